/** The project that the canaries live in: one config and one file of tests for each fault, for both runners. */
import { createRequire } from 'node:module';
import { type BindingKind, bindings } from '../../bindings/registry.ts';
import { project } from '../support/consumer.ts';
import { canary } from './leaks.ts';
import { SYSTEMS } from './systems.ts';

export const KINDS = Object.keys(bindings) as BindingKind[];

/** What the config and the tests know, and no output may show. */
export interface Place {
  /** Nothing listens there. */
  refused: number;
  /** Connections are accepted and closed at once. */
  closed: number;
  /** Connections are accepted, and nothing is answered. */
  hung: number;
  /** Options of connections to real servers, with the right secret or a wrong one. */
  real: Record<string, { kind: BindingKind; options: Record<string, unknown> }>;
}

interface Wrong {
  kind: BindingKind;
  options: Record<string, unknown>;
}

export const USER = 'service-account';

export interface Canaries {
  /** Connections by their names. */
  connections: Record<string, Wrong>;
  /** The secrets in them, by names that tell where they are. */
  secrets: Record<string, string>;
}

/** Connections that cannot be opened, each with a secret of its own. */
export function canariesOf({ refused, closed, hung, real }: Place): Canaries {
  const secrets: Record<string, string> = {};
  const secretOf = (name: string) => {
    secrets[name] = canary(name);
    return secrets[name];
  };
  const connections: Record<string, Wrong> = { ...real };
  for (const kind of KINDS) {
    const { options, malformed, referring = 'password' } = SYSTEMS[kind];
    const at = (port: number, fault: string) => ({ port, user: USER, password: secretOf(`${kind}, ${fault}`) });
    const add = (fault: string, given: Record<string, unknown>) => {
      connections[`${kind}${fault}`] = { kind, options: given };
    };
    add('Refused', options(at(refused, 'refused')));
    add('Closed', options(at(closed, 'closed')));
    add('Hung', options(at(hung, 'hung')));
    add('Options', { ...options(at(refused, 'a wrong option')), passwrod: secretOf(`${kind}, an unknown option`) });
    add('Types', {
      ...options(at(refused, 'a wrong type')),
      connectTimeout: secretOf(`${kind}, a value of a wrong type`),
      requestTimeout: secretOf(`${kind}, another one`),
    });
    add('Malformed', malformed(at(refused, 'a malformed address')));
    add('Reference', { ...options(at(refused, 'a bad reference')), [referring]: { missing: true } });
    // The reverse: a word that texts must say, though it is a password too.
    add('Words', options({ port: refused, user: USER, password: USER }));
  }
  return { connections, secrets };
}

/** `names`: connections that its file opens. */
const file = (names: readonly string[], body: string) => [`/** @qa ${names.join(' ')} */`, PRELUDE, body].join('\n');

const PRELUDE = `
  import { inspect } from 'node:util';
  const { secrets } = JSON.parse(process.env.CANARIES);
  const S = secrets.database;
`;

/** Files of tests that never get to run. */
function openingFiles(): Record<string, string> {
  const alone = KINDS.map((kind) => `${kind}Refused`);
  const together = ['Closed', 'Hung', 'Options', 'Types', 'Malformed', 'Reference', 'Words'];
  const never = (name: string) => `test('${name}', () => {});`;
  return Object.fromEntries([
    ...alone.map((name) => [`open-${name}.test.js`, file([name], never(name))]),
    ...['dbWrong', 'cacheWrong', 'vaultWrong', 'recordsWrong', 'own'].map((name) => [
      `open-${name}.test.js`,
      file([name], never(name)),
    ]),
    ...together.map((fault) => [
      `open-${fault}.test.js`,
      file(
        KINDS.map((kind) => `${kind}${fault}`),
        never(fault),
      ),
    ]),
  ]);
}

const DATABASE = `
  const rows = () => qa.db.table('accounts');
  beforeEach(() => qa.db.query('truncate accounts').then(() => qa.db.seed('accounts', [
    { id: 'a-1', token: S, details: { deep: [{ token: S }] }, raw: Buffer.from('x' + S) },
  ])));
  const fast = { within: 30 };

  test('a row', () => expect(rows()).toHaveRowMatching({ id: 'a-1', token: 'another', details: { deep: [{ token: S + '2' }] } }, fast));
  test('an expected row', () => expect(rows()).toHaveRowMatching({ id: 'a-2', token: S, raw: Buffer.from(S) }, fast));
  test('a row that must go', () => expect(rows()).not.toHaveRowMatching({ token: S }, fast));
  test('rows', () => expect(rows()).toHaveRowsMatching([{ token: S + 'x' }, { details: { deep: [{ token: 'y' }] } }], { exactly: true, ...fast }));
  test('a matcher within', () => expect(rows()).toHaveRowMatching({ token: expect.stringContaining(S + '!') }, fast));
  test('a count', () => expect(qa.db.table('accounts', { token: S })).toHaveRowCount(2, fast));
  test('a query', () => expect(qa.db.rows("select token, length(token) from accounts where token <> '" + S.slice(0, 4) + "' and token = $1", [S])).toHaveRowMatching({ token: 'x' }, fast));
  test('waitFor', () => rows().waitFor({ token: S + '3' }, fast));
  test('hard', () => expect(rows()).toHaveRowMatching({ token: 'hard' }, { soft: false, ...fast }));
  test('the history', async () => {
    await qa.db.query("update accounts set token = 'before'");
    setTimeout(() => qa.db.query('update accounts set token = $1', [S]), 150);
    await expect(rows()).toHaveRowMatching({ id: 'a-1', token: 'after' }, { within: 700 });
  });
  test('not awaited', () => { expect(rows()).toHaveRowMatching({ token: S + '4' }, fast); });
  test('misuse: a column', () => expect(rows()).toHaveRowMatching({ tokn: S }));
  test('misuse: no object', () => expect(rows()).toHaveRowMatching(S));
  test('misuse: no source', () => expect({ token: S }).toHaveRowMatching({ id: S }));

  test('toEqual', async () => { expect((await rows().all())[0]).toEqual({ id: 'a-1', token: 'another', details: {}, raw: Buffer.from('y') }); });
  test('toMatchObject', async () => { expect(await rows().all()).toMatchObject([{ token: S + 'z' }]); });
  test('toBe, nearly', () => { expect(S).toBe('x' + S.slice(0, 4) + '~' + S.slice(6, 11) + '~'); });
  test('toBe, in a long text', () => { expect('x'.repeat(100) + S + 'y'.repeat(100)).toBe('x'.repeat(100) + '~' + S); });
  test('expect.soft', () => { expect.soft(S).toBe(1); expect.soft({ [S]: S }).toEqual([S]); });
  test('toContain', () => { expect([S, 'x']).toContain('y'); });
  test('toThrow', () => { expect(() => { throw new Error('it is ' + S); }).toThrow('another'); });
  test('rejects', () => expect(Promise.reject(new Error(S))).rejects.toThrow('another'));
  test('lists of lines', () => { expect(['a', 'b', S].join('\\n')).toBe(['a', 'c', S + '5'].join('\\n')); });
  test('a buffer', () => { expect(Buffer.from(S)).toEqual(Buffer.from('y')); });
  test('bytes', () => { expect([...Buffer.from(S)]).toEqual([1]); });
  test('inspected bytes', () => { expect(inspect(Buffer.from(S))).toBe(''); });
  test('base64', () => { expect('Basic ' + Buffer.from('user:' + S).toString('base64')).toBe('Basic '); });
  test('an URL', () => { expect(qa.db.url).toBe('postgres://'); expect(new URL(qa.db.url)).toEqual(1); });
  test('a map', () => { expect(new Map([['token', new Set([S])]])).toEqual(new Map()); });
  test('options of the driver', () => { expect(qa.db.client.options).toEqual({ a: 1 }); });
  test('the handle', () => { expect(qa.db).toEqual({ a: 1 }); });
  test('qa', () => { expect(qa).toEqual({ a: 1 }); });

  test('a statement', () => qa.db.query("select '" + S + "' from nowhere"));
  test('a duplicate', () => qa.db.seed('accounts', [{ id: 'a-2', token: S }]));
  test('the driver itself', () => qa.db.client.query("insert into accounts (id, token) values ('a-3', $1)", [S]));
  test('an error with all that an error can have', () => {
    const cause = Object.assign(new Error('cause ' + S), { config: { headers: { authorization: 'Bearer ' + S } }, url: new URL('http://h/?token=' + encodeURIComponent(S)) });
    const error = new AggregateError([new Error('one ' + S), cause], 'all ' + S, { cause });
    error.name = 'Error' + S;
    throw Object.assign(error, { token: S, nested: { deep: [S] }, actual: { token: S }, expected: { token: S + '6' } });
  });
  test('no error at all', () => { throw { token: S }; });
  test('a text', () => { throw 'it is ' + S; });
  test('the state', () => { qa.state.set('token', { value: 'x'.repeat(190) + S }); throw new Error('see the state'); });
  test('the log', () => {
    qa.log.info({ token: S, deep: { list: [S], bytes: Buffer.from(S) }, password: S }, 'it is ' + S);
    qa.log.error({ err: Object.assign(new Error('err ' + S), { token: S }) }, 'failed with %s', S);
    qa.log.child({ token: S }).warn('of a child');
    throw new Error('see the log');
  });
  test('a step', () => qa.step('with ' + S, async () => { throw new Error('in the step ' + S); }));
  test('printed', () => {
    console.log(qa, qa.db, Object.values(qa));
    console.log(inspect(qa, { depth: 9, showHidden: true }), JSON.stringify(qa), JSON.stringify(Object.values(qa)));
    console.log(inspect([rows(), qa.db.rows('select 1')], { depth: 9, showHidden: true }));
    throw new Error('printed');
  });
`;

const CACHE = `
  const C = secrets.cache;
  const fast = { within: 30 };
  beforeEach(() => qa.cache.seed({ hash: { token: C }, text: 'x' + C, list: [C] }));
  test('a hash', () => expect(qa.cache.key('hash')).toHaveEntry({ token: 'another' }, fast));
  test('a text', () => expect(qa.cache.key('text')).toHaveEntry('y' + C, fast));
  test('a list', () => expect(qa.cache.key('list')).toHaveEntry(['z'], fast));
  test('keys', () => expect(qa.cache.keys('*')).toHaveRowMatching({ key: 'text', value: 'w' }, fast));
  test('an entry that must go', () => expect(qa.cache.key('hash')).not.toHaveEntry({ token: C }, fast));
  test('a stream', async () => {
    await qa.cache.client.xadd('events', '*', 'token', C);
    await expect(qa.cache.stream('events')).toReceiveMessage({ token: 'another' }, fast);
    await expect(qa.cache.stream('events')).toReceiveMessages([{ token: C + '2' }], { exactly: true, ...fast });
  });
  test('a channel', async () => {
    await qa.cache.client.publish('news', JSON.stringify({ token: C }));
    await expect(qa.cache.channel('news')).toReceiveMessage({ token: 'another' }, fast);
    await expect(qa.cache.channel('news')).not.toReceiveMessage({ token: C }, { stays: 20 });
  });
  test('a command that is refused', () => qa.cache.client.call('nosuch', C));
  test('options of the driver', () => { expect(qa.cache.client.options).toEqual({ a: 1 }); });
  test('printed', () => {
    console.log(inspect([qa.cache, qa.cache.key('a'), qa.cache.keys('a'), qa.cache.stream('a'), qa.cache.channel('news')], { depth: 9, showHidden: true }));
    throw new Error('printed');
  });
`;

const VAULT = `
  const V = secrets.vault;
  const fast = { within: 30 };
  const shop = () => qa.vault.secret('secret/data/shop');
  test('a secret', () => expect(shop()).toHaveSecret({ version: 7, data: { token: 'another', deep: { list: [V + '2'] } } }, { exactly: true, ...fast }));
  test('a secret that must go', () => expect(shop()).not.toHaveSecret({ data: { token: V } }, fast));
  test('waitFor', () => shop().waitFor({ data: { token: V + '3' } }, fast));
  test('one that is not there', () => qa.vault.secret('secret/data/sohp').read());
  test('misuse', () => expect(shop()).toHaveSecret({ token: V }));
  test('toEqual', async () => { expect(await shop().read()).toEqual({ token: 'another' }); });
  test('the driver itself', async () => {
    const { token } = await shop().read();
    await qa.vault.client.write('nowhere/else', { token });
  });
  test('its token', () => { expect(qa.vault.token).toBe('another'); });
  test('printed', () => {
    console.log(inspect([qa.vault, shop()], { depth: 9, showHidden: true }), JSON.stringify([qa.vault, shop()]));
    throw new Error('printed');
  });
`;

const HOOKS = `
  describe('beforeAll', () => {
    beforeAll(() => { throw new Error('before ' + S); });
    test('below it', () => {});
  });
  describe('a soft one in beforeAll', () => {
    beforeAll(() => expect(qa.db.table('accounts')).toHaveRowMatching({ token: S + '1' }, { within: 0 }));
    test('below that', () => {});
  });
  describe('afterEach', () => {
    afterEach(() => { throw new Error('after ' + S); });
    test('above it', () => {});
  });
  describe('afterAll', () => {
    afterAll(() => { throw new Error('at last ' + S); });
    test('before the end', () => {});
  });
`;

const SERVICE = `
  test('what a service prints', async () => {
    await fetch(qa.service('noisy').url);
    console.log(inspect(qa.service('noisy'), { depth: 9, showHidden: true }), JSON.stringify(qa.service('noisy')));
    expect(await qa.service('noisy').logs()).toContain('another');
  });
`;

/** It prints what a service should not: its variables, and each in another form. */
const NOISY = `
  import { createServer } from 'node:http';
  const { TOKEN, DATABASE_URL, PORT } = process.env;
  const print = () => console.log({ TOKEN, DATABASE_URL }, Buffer.from('user:' + TOKEN).toString('base64'), 'x'.repeat(190) + TOKEN);
  print();
  if (!PORT) process.exit(3);
  createServer((_, response) => { print(); response.end(TOKEN); }).listen(PORT, '127.0.0.1');
`;

const UNHANDLED = `
  test('nobody catches it', async () => {
    setTimeout(() => { throw Object.assign(new Error('thrown by a timer ' + S), { token: S }); }, 1);
    Promise.reject(Object.assign(new Error('rejected ' + S), { token: S }));
    await new Promise((resolve) => setTimeout(resolve, 60));
    throw new Error('the end');
  });
`;

/** All of their tests fail. */
export const FILES: Readonly<Record<string, string>> = {
  ...openingFiles(),
  'database.test.js': file(['db'], DATABASE),
  'cache.test.js': file(['cache'], CACHE),
  'vault.test.js': file(['vault'], VAULT),
  'hooks.test.js': file(['db'], HOOKS),
  'unhandled.test.js': file(['db'], UNHANDLED),
  'service.test.js': file(['db', 'noisy'], SERVICE),
  'service-ends.test.js': file(['db', 'broken'], `test('a service that ends at once', () => {});`),
};

/** Titles of the tests of a file. */
export function titlesOf(text: string): string[] {
  return [...text.matchAll(/^ *test\('([^']+)'/gm)].map(([, title]) => title!);
}

/** Every factory is known by the name of its kind. */
const CONFIG = `
  import * as preset from '@qa/jest-preset';
  const { connections, secrets } = JSON.parse(process.env.CANARIES!);
  const own = preset.defineBinding({
    kind: 'own',
    parse: (input: { apiKey: string }) => input,
    withAddress: (options: { apiKey: string }) => options,
    describe: ({ apiKey }: { apiKey: string }) => ({ address: 'own://user:' + apiKey + '@host' }),
    async open({ apiKey }: { apiKey: string }) {
      throw Object.assign(new Error('refused: ' + apiKey), { request: { headers: { 'x-api-key': apiKey } } });
    },
    health: async () => ({ version: '1', latency: 0, identity: '' }),
    close: async () => {},
    handle: () => ({}),
  });
  const made = Object.entries(connections).map(([name, { kind, options }]: any) => {
    const given = Object.fromEntries(Object.entries(options).map(([key, value]: any) => [key, value?.missing ? preset.fromEnv('QA_TEST_NOT_SET') : value]));
    return [name, (preset as any)[kind](given)];
  });
  export default preset.defineConfig({
    connections: { ...Object.fromEntries(made), own: preset.connection(own, { apiKey: secrets.own }) },
    services: {
      noisy: { command: 'node noisy.mjs', env: (qa: any) => ({ TOKEN: secrets.database, DATABASE_URL: qa.db.url, PORT: String(qa.port()) }) },
      broken: { command: 'node noisy.mjs', env: { TOKEN: secrets.database }, ready: 'never' },
    },
    openTimeout: 1500,
    log: { file: 'qa.ndjson' },
  });`;

export function canaryProject(): string {
  const jestJunit = createRequire(import.meta.url).resolve('jest-junit');
  return project({
    ...FILES,
    'qa.config.ts': CONFIG,
    'qa.keytab': '',
    'noisy.mjs': NOISY,
    'jest.config.cjs': `module.exports = {
      preset: '@qa/jest-preset',
      reporters: ['default', [${JSON.stringify(jestJunit)}, { outputFile: 'junit.xml', includeConsoleOutput: 'true' }]],
    };`,
    'vitest.config.mts': `
      import { qaPreset } from '@qa/jest-preset/vitest';
      export default { plugins: [qaPreset()], test: { globals: true, outputFile: { junit: 'junit.xml' } } };`,
  });
}
