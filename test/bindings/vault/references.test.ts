/** `fromVault`: who opens first, how often a path is read, and what is told where nothing can be read. */
import { tracingChannel } from 'node:diagnostics_channel';
import { afterEach, describe, expect, test } from 'vitest';
import type { Binding } from '../../../bindings/core/binding.ts';
import { type Connection, connection } from '../../../bindings/core/connection.ts';
import { secret } from '../../../bindings/core/secret.ts';
import type { Operation } from '../../../bindings/core/trace.ts';
import { fromVault, type VaultHandle, vault } from '../../../bindings/vault/index.ts';
import type { Session } from '../../../environment/session.ts';
import { PROGRAM, ROOT_TOKEN } from '../../support/vault.ts';
import { failure, root, session, shown, vaultSuite } from './harness.ts';

const PASSWORD = 'secret-horse-battery';

interface Store {
  options: Record<string, unknown>;
}

/** What a connection was opened with, whatever it is. */
function store(input: object, needs: string[] = []): Connection<Store> {
  const binding = {
    kind: 'store',
    needs: () => needs,
    parse: (given) => ({ ...given }),
    withAddress: (options, address) => ({ ...options, address }),
    describe: () => ({ address: 'store://here' }),
    open: async (options) => options,
    health: async () => ({ version: '1', latency: 1, identity: 'me' }),
    close: async () => undefined,
    handle: (opened) => ({
      get options() {
        return opened().options;
      },
    }),
  } satisfies Binding<Record<string, unknown>, object, Store>;
  return connection(binding, input);
}

describe.skipIf(PROGRAM === undefined)('values of a config that are in a Vault', () => {
  const suite = vaultSuite(async (server) => {
    await server.api('POST', 'secret/data/shop/db', {
      data: { url: 'db://u:p@h/d', password: PASSWORD, port: 5432, tags: ['a'] },
    });
    await server.api('POST', 'sys/mounts/kv', { type: 'kv', options: { version: '1' } });
    await server.api('POST', 'kv/shop', { password: PASSWORD });
    await server.policy('shop', 'path "secret/data/shop/*" { capabilities = ["read"] }');
  });

  const open: Session[] = [];
  afterEach(async () => {
    await Promise.all(open.splice(0).map((one) => one.close()));
  });
  async function opened(connections: Record<string, Connection>, names = Object.keys(connections)): Promise<Session> {
    const made = session(connections);
    open.push(made);
    await made.open(names);
    return made;
  }
  const optionsOf = (of: Session, name = 'db') => (of.handles()[name] as Store).options;

  test('the Vault opens first by itself, also where only the other one is asked for', async () => {
    const config = { db: store({ url: fromVault('secret/data/shop/db#url') }), vault: vault(root(suite)) };
    const made = await opened(config, ['db']);
    expect(optionsOf(made)).toEqual({ url: 'db://u:p@h/d' });
    expect((made.handles().vault as VaultHandle).url).toBe(suite.server.address);
  });

  test('at any depth, of either version, with `data/` and without, also a number', async () => {
    const made = await opened({
      vault: vault(root(suite)),
      db: store({
        a: { list: [fromVault('secret/data/shop/db#password')] },
        b: fromVault('secret/shop/db#password'),
        c: fromVault('kv/shop#password'),
        d: fromVault('/secret/shop/db#port'),
        e: secret(fromVault('kv/shop#password')),
      }),
    });
    expect(optionsOf(made)).toEqual({ a: { list: [PASSWORD] }, b: PASSWORD, c: PASSWORD, d: '5432', e: PASSWORD });
  });

  test('two keys of one path are one read, also of two connections', async () => {
    const reads: unknown[] = [];
    const channel = tracingChannel<'qa:operation', Operation>('qa:operation');
    const subscriber = {
      start: ({ operation, attributes }: Operation) => operation === 'read' && reads.push(attributes.path),
      end: () => undefined,
      asyncStart: () => undefined,
      asyncEnd: () => undefined,
      error: () => undefined,
    };
    channel.subscribe(subscriber);
    try {
      const [url, password] = ['url', 'password'].map((key) => fromVault(`secret/data/shop/db#${key}`));
      await opened({ vault: vault(root(suite)), a: store({ url, password }), b: store({ password }) });
    } finally {
      channel.unsubscribe(subscriber);
    }
    expect(reads).toEqual(['secret/data/shop/db']);
  });

  test('what is read is hidden from then on', async () => {
    const made = await opened({ vault: vault(root(suite)), db: store({ p: fromVault('secret/shop/db#password') }) });
    expect(made.redactor.redact(`it is ${PASSWORD}, the token ${ROOT_TOKEN}`)).not.toMatch(
      new RegExp(`${PASSWORD}|${ROOT_TOKEN}`),
    );
  });

  const cases: [string, string, RegExp][] = [
    [
      'secret/data/shop/db#pasword',
      'QA_NOT_FOUND',
      /`connections\.db\.p` is fromVault\('[^']*'\), and the secret is there, but has no key `pasword`\. Did you mean `password`\?/,
    ],
    [
      'secret/data/shop/dbb#password',
      'QA_NOT_FOUND',
      /There is no secret at `secret\/data\/shop\/dbb` \(mount `secret\/`\)\. Did you mean `secret\/shop\/db`\?$/,
    ],
    ['nowhere/shop#password', 'QA_NOT_FOUND', /no secrets engine is mounted where `nowhere\/shop` points/],
    ['secret/data/shop/db#tags', 'QA_CONFIG', /that is a list, where a text is needed/],
  ];
  test.each(cases)('%s: %s', async (place, code, message) => {
    const error = await failure(opened({ vault: vault(root(suite)), db: store({ p: fromVault(place) }) }));
    expect(error).toMatchObject({ code, connection: 'vault', address: suite.server.address });
    expect(error.message).toMatch(message);
    expect(shown(error)).not.toMatch(new RegExp(`${PASSWORD}|${ROOT_TOKEN}`));
  });

  test('a path that the token may not read names it, and what would allow it', async () => {
    const token = await suite.server.tokenWith(['shop']);
    await suite.server.api('POST', 'secret/data/other', { data: { password: PASSWORD } });
    const config = {
      vault: vault({ ...root(suite), auth: { token } }),
      db: store({ p: fromVault('secret/data/other#password') }),
    };
    const error = await failure(opened(config));
    expect(error).toMatchObject({ code: 'QA_FORBIDDEN', connection: 'vault' });
    expect(error.message).toContain('path "secret/data/other" { capabilities = ["read"] }');
    expect(shown(error)).not.toContain(token);
  });

  describe('which Vault', () => {
    const place = fromVault('secret/data/shop/db#url');

    test('none: one is asked for', async () => {
      await expect(opened({ db: store({ url: place }) })).rejects.toThrow(
        "`connections.db.url` is fromVault('secret/data/shop/db#url'), but the config has no connection of the kind vault to read it from. Add one to `connections`: `vault: vault({ … })`",
      );
    });

    test('several: the name is asked for, and then taken', async () => {
      const both = { one: vault(root(suite)), two: vault(root(suite)) };
      const error = await failure(opened({ ...both, db: store({ url: place }) }));
      expect(error).toMatchObject({ code: 'QA_CONFIG' });
      expect(error.message).toMatch(
        /2 connections of the kind vault: one, two\. Name the one .*`\{ connection: 'one' \}`$/,
      );
      const named = store({ url: fromVault('secret/data/shop/db#url', { connection: 'two' }) });
      const made = await opened({ ...both, db: named }, ['db']);
      expect(optionsOf(made)).toEqual({ url: 'db://u:p@h/d' });
      expect(() => (made.handles().one as VaultHandle).client).toThrow(/names only these connections: two, db/);
    });

    test('one that is not there, or is no Vault', async () => {
      const url = (name: string) => store({ url: fromVault('secret/data/shop/db#url', { connection: name }) });
      await expect(opened({ vault: vault(root(suite)), db: url('valt') })).rejects.toThrow(
        /names the connection `valt`, and that is not in the config\. Did you mean `vault`\?/,
      );
      await expect(opened({ vault: vault(root(suite)), db: url('db') })).rejects.toThrow(
        /`db`, and that is of the kind store/,
      );
    });

    test('one that needs itself, or what needs it', async () => {
      const itself = vault({
        ...root(suite),
        auth: { userpass: { username: 'u', password: fromVault('secret/x#y') } },
      });
      await expect(opened({ vault: itself })).rejects.toThrow(
        'Connections need each other in a circle: vault → vault. Break the circle in qa.config.',
      );
      const one = vault({ address: fromVault('secret/a#b', { connection: 'two' }) });
      const two = vault({ address: fromVault('secret/a#b', { connection: 'one' }) });
      await expect(opened({ one, two, db: store({ url: 1 }) })).rejects.toThrow('in a circle: one → two → one');
    });
  });

  test('a place without a key is refused where it is written', () => {
    for (const wrong of ['secret/data/shop/db', '#url', 'secret/data/shop/db#', '', undefined as never]) {
      expect(() => fromVault(wrong)).toThrow(/does not name a path and a key\. Write fromVault\(/);
    }
  });

  test('what is down is told once, by its own name', async () => {
    const config = {
      vault: vault({ address: 'http://127.0.0.1:1', auth: { token: ROOT_TOKEN } }),
      db: store({ url: fromVault('secret/data/shop/db#url') }),
    };
    const error = await failure(opened(config));
    expect(error.message).toBe(
      'qa.vault (http://127.0.0.1:1): Nothing listens there: the connection was refused. Start the server, or correct `address`',
    );
  });
});
