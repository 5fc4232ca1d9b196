/** `qa doctor` as a user runs it: the packed package, real servers, and what is wrong with them. */
import { cpSync, readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { Ajv } from 'ajv';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import type { ConnectionReport, Report } from '../../preset/cli/doctor/report.ts';
import { project, root, run } from '../support/consumer.ts';
import { hasKafka, startKafka } from '../support/kafka.ts';
import { makeTopics } from '../support/kafka-topics.ts';
import { freePort, startPostgres, type TestPostgres } from '../support/postgres.ts';
import { ANY, startRedis, type TestRedis } from '../support/redis.ts';

let db: TestPostgres;
let cache: TestRedis | undefined;
beforeAll(async () => {
  [db, cache] = await Promise.all([startPostgres(), ANY ? startRedis() : undefined]);
  await db.run('create database shop');
  await db.run(
    `create table orders (id text primary key); create table secrets (id int);
     create role reader login password 'only-reading-here'; grant select on orders to reader`,
    'shop',
  );
});
afterAll(() => Promise.all([db?.stop(), cache?.stop()]));

const schema = JSON.parse(readFileSync(join(root, 'docs', 'doctor.schema.json'), 'utf8'));
const isReport = new Ajv({ strict: false }).compile(schema);

/** A config with these connections, each a line of code. */
function config(connections: Record<string, string>, more = ''): Record<string, string> {
  const lines = Object.entries(connections).map(([name, code]) => `${name}: ${code},`);
  return {
    'qa.config.ts': `import * as all from '@qa/jest-preset';
const { connection, embedded, fromEnv, kafka, postgres, redis } = all;
const ownBinding = all.defineBinding({
  kind: 'own',
  driver: { name: 'nobody-has-this', range: '^1.2' },
  parse: (input) => input,
  withAddress: (options) => options,
  describe: () => ({ address: 'own' }),
  open: (_, scope) => scope.driver(),
  health: async () => ({ version: '1', latency: 0, identity: 'me' }),
  close: async () => {},
  handle: () => ({}),
});
export default all.defineConfig({ connections: { ${lines.join(' ')} }, ${more} });`,
  };
}

async function examine(
  files: Record<string, string> | string,
  args: readonly string[] = [],
  env: Record<string, string> = {},
): Promise<{ code: number | null; report: Report; of(name: string): ConnectionReport; text: string }> {
  const folder = typeof files === 'string' ? files : project(files);
  const { code, output } = await run(folder, 'qa', ['doctor', '--json', ...args], { env });
  const report = JSON.parse(output) as Report;
  expect(isReport(report), JSON.stringify(isReport.errors)).toBe(true);
  return { code, report, of: (name) => report.connections.find((one) => one.name === name)!, text: output };
}

const told = ({ findings }: Pick<ConnectionReport, 'findings'>, level: string) =>
  findings.filter((finding) => finding.level === level);

describe('what is well', () => {
  test('all connections at once: version, latency, identity, whose it is', async () => {
    const { code, report, of } = await examine(
      config({
        db: `postgres({ url: '${db.url('shop')}' })`,
        own: 'postgres({ server: embedded() })',
        ...(cache && { cache: `redis({ url: '${cache.url()}' })` }),
      }),
    );
    expect(code).toBe(0);
    expect(report).toMatchObject({ ok: true, config: { stand: null }, findings: [] });
    expect(of('db')).toMatchObject({
      status: 'ok',
      reachable: true,
      version: expect.stringMatching(/^18\./),
      latency: expect.any(Number),
      identity: 'tester in shop',
      address: `postgres://tester@127.0.0.1:${db.port}/shop`,
      reset: { owner: 'others', touches: 'nothing', because: expect.stringContaining('reset: { tables') },
    });
    expect(of('db').findings).toContainEqual({ about: 'schema', level: 'ok', what: 'It has 2 tables.' });
    expect(of('db').findings).toContainEqual(expect.objectContaining({ about: 'clock', level: 'ok' }));
    expect(of('own')).toMatchObject({ status: 'ok', reset: { owner: 'run', touches: 'everything' } });
    if (cache) expect(of('cache')).toMatchObject({ status: 'ok', identity: 'default in database 0' });
    expect(report.packages).toContainEqual(
      expect.objectContaining({ name: 'pg', fits: true, neededBy: ['db', 'own'], range: '>=8.12 <9' }),
    );
  });

  test('--no-start leaves throwaway servers alone, and what reads from them; a circle is told', async () => {
    const { of } = await examine(
      config({
        vault: 'all.vault({ server: embedded() })',
        db: "postgres({ url: all.fromVault('secret/data/db#url', { connection: 'vault' }) })",
        a: "all.vault({ address: all.fromVault('secret/data/a#address', { connection: 'b' }) })",
        b: "all.vault({ address: all.fromVault('secret/data/b#address', { connection: 'a' }) })",
      }),
      ['--no-start'],
    );
    expect(of('vault')).toMatchObject({ status: 'skipped', address: 'a throwaway server' });
    const why = { about: 'server', level: 'note', what: 'It needs `vault`, which is left alone.' };
    expect(of('db')).toMatchObject({ status: 'skipped', reachable: false, findings: [why] });
    for (const name of ['a', 'b'])
      expect(told(of(name), 'trouble')[0]!.what).toMatch(/in a circle: a → b → a|b → a → b/);
  });

  test('the stand that is named, as a table', async () => {
    const files = config(
      { db: `postgres({ url: 'postgres://x@127.0.0.1:1/x' })` },
      `stands: { stage: { connections: { db: postgres({ url: fromEnv('STAGE') }) } } }`,
    );
    const env = { STAGE: db.url('shop') };
    const { code, output } = await run(project(files), 'qa', ['doctor', '--stand', 'stage'], { env });
    expect(code, output).toBe(0);
    expect(output).toMatch(/^qa doctor: .*qa\.config\.ts, stand stage\n/);
    expect(output).toMatch(
      /✔ db +postgres 18\.\d+ +[\d.]+ ms +postgres:\/\/tester@127\.0\.0\.1:\d+\/shop +nothing +tester in shop/,
    );
    expect(output).toContain('1 connection ready for tests.');
    expect(output).not.toContain('\u001B');
    expect(output).not.toContain(db.password);
  });
});

describe('what is wrong', () => {
  test('each trouble with its mend, side by side, within its time; no password anywhere', async () => {
    const closed = await freePort();
    const hung = await startPostgres();
    try {
      hung.freeze();
      const { code, report, of, text } = await examine(
        config({
          down: `postgres({ url: 'postgres://me:very-secret-word@127.0.0.1:${closed}/shop' })`,
          hung: `postgres({ url: '${hung.url()}' })`,
          refused: `postgres({ url: 'postgres://tester:wrong-password-here@127.0.0.1:${db.port}/shop' })`,
          nowhere: `postgres({ url: '${db.url('shopp')}' })`,
          unset: `postgres({ url: fromEnv('NOT_SET_AT_ALL') })`,
          absent: 'connection(ownBinding, {})',
          well: `postgres({ url: '${db.url('shop')}' })`,
        }),
        ['--timeout', '1500'],
      );
      expect(code).toBe(1);
      expect(report.ok).toBe(false);
      const trouble = (name: string) => told(of(name), 'trouble');
      expect(of('down')).toMatchObject({
        status: 'trouble',
        reachable: false,
        address: `postgres://me@127.0.0.1:${closed}/shop`,
      });
      expect(trouble('down')).toMatchObject([
        {
          what: 'Nothing listens there: the connection was refused.',
          mend: expect.stringMatching(/^Start the server/),
        },
      ]);
      expect(trouble('hung')).toMatchObject([{ what: expect.stringContaining('within 1500 ms') }]);
      expect(trouble('refused')).toMatchObject([{ mend: 'Correct user and password.' }]);
      expect(trouble('nowhere')).toMatchObject([{ mend: 'Did you mean `shop`?' }]);
      expect(trouble('unset')).toMatchObject([{ mend: expect.stringContaining('Set NOT_SET_AT_ALL') }]);
      expect(trouble('absent')).toMatchObject([
        {
          about: 'driver',
          what: 'The driver `nobody-has-this` is not installed.',
          mend: 'Run: npm i -D nobody-has-this@"^1.2"',
        },
      ]);
      expect(of('well').status).toBe('ok');
      expect(text).not.toMatch(/very-secret-word|wrong-password-here|correct-horse/);
    } finally {
      await hung.stop();
    }
  });

  test('a driver whose version nobody has tried', async () => {
    const folder = project(config({ db: `postgres({ url: '${db.url('shop')}' })` }));
    const installed = dirname(createRequire(join(folder, 'x.js')).resolve('pg/package.json'));
    cpSync(installed, join(folder, 'node_modules', 'pg'), { recursive: true });
    const manifest = join(folder, 'node_modules', 'pg', 'package.json');
    writeFileSync(manifest, readFileSync(manifest, 'utf8').replace(/"version": "[^"]+"/, '"version": "7.18.2"'));
    const { code, report } = await examine(folder);
    expect(code).toBe(1);
    expect(told(report, 'trouble')).toEqual([
      {
        about: 'driver',
        level: 'trouble',
        what: 'pg is installed as 7.18.2, and this package works with >=8.12 <9.',
        mend: 'Run: npm i -D pg@">=8.12 <9"',
      },
    ]);
  });

  test('a config that is missing or throws, flags that do not exist', async () => {
    const none = await examine({});
    expect(none.code).toBe(1);
    expect(none.report).toMatchObject({ ok: false, config: null, connections: [] });
    expect(told(none.report, 'trouble')).toMatchObject([{ mend: expect.stringContaining('npx qa init') }]);
    const broken = await run(project({ 'qa.config.js': "throw new Error('no luck')" }), 'qa', ['doctor']);
    expect(broken).toMatchObject({ code: 1, output: expect.stringContaining('no luck') });
    const flag = await run(project({}), 'qa', ['doctor', '--jsn']);
    expect(flag).toMatchObject({ code: 2, output: expect.stringContaining('Did you mean --json?') });
    const time = await run(project({}), 'qa', ['doctor', '--timeout', 'soon']);
    expect(time).toMatchObject({ code: 2, output: expect.stringContaining('a number of milliseconds') });
  });

  test('a stand that does not exist', async () => {
    const files = config({ db: `postgres({ url: '${db.url()}' })` }, 'stands: {}');
    const { code, report } = await examine(files, ['--stand', 'stge']);
    expect(code).toBe(1);
    expect(told(report, 'trouble')).toMatchObject([{ what: expect.stringContaining("QA_STAND is 'stge'") }]);
  });
});

test.skipIf(!hasKafka())('topics of the config that are not on the brokers', async () => {
  await using broker = await startKafka();
  await makeTopics(broker.brokers, { orders: 2 });
  const { code, of } = await examine(
    config({ kafka: `kafka({ brokers: ['${broker.broker}'], topics: { orders: {}, ordrs: {} } })` }),
  );
  expect(code).toBe(1);
  expect(of('kafka').findings).toContainEqual({
    about: 'topic',
    level: 'ok',
    what: 'It has `orders` with 2 partitions.',
  });
  expect(told(of('kafka'), 'trouble')).toEqual([
    {
      about: 'topic',
      level: 'trouble',
      what: 'The config names the topic `ordrs`, and there is no such topic.',
      mend: 'Did you mean `orders`? Or let what makes it run first.',
    },
  ]);
});

describe('rights and resets', () => {
  test('what a user may not read, and that it may not write', async () => {
    const url = db.url('shop').replace(/\/\/[^@]*@/, '//reader:only-reading-here@');
    const { code, of } = await examine(config({ db: `postgres({ url: '${url}' })` }));
    expect(code).toBe(0);
    expect(of('db').status).toBe('warning');
    expect(of('db').findings).toContainEqual({
      about: 'rights',
      level: 'warning',
      what: 'This user may not read 1 of 2 tables: secrets.',
      mend: 'Let the owner run: GRANT SELECT ON secrets TO this user.',
    });
    expect(of('db').findings).toContainEqual(
      expect.objectContaining({ level: 'note', what: expect.stringContaining('tests cannot seed these') }),
    );
  });

  test('lists without the marker, with it, and of tables that do not exist', async () => {
    await db.run('create database stand');
    await db.run('create table orders (id int)', 'stand');
    const code = (tables: string) => `postgres({ url: '${db.url('stand')}', reset: { tables: ['${tables}'] } })`;
    const unmarked = await examine(config({ db: code('orders') }));
    expect(unmarked.code).toBe(1);
    const [finding] = told(unmarked.of('db'), 'trouble');
    expect(finding).toMatchObject({ about: 'reset', mend: expect.stringContaining('COMMENT ON DATABASE') });
    await db.run(/COMMENT ON DATABASE.*;/.exec(finding!.mend!)![0], 'stand');
    const marked = await examine(config({ db: code('orders') }));
    expect(marked.code).toBe(0);
    expect(marked.of('db').reset).toMatchObject({ owner: 'marked', touches: 'listed', listed: ['orders'] });
    const wrong = await examine(config({ db: code('ordrs') }));
    expect(wrong.code).toBe(1);
    expect(told(wrong.of('db'), 'trouble')).toMatchObject([{ mend: 'Did you mean `orders`?' }]);
  });

  test.skipIf(!ANY)('commands that a user of Redis may not use', async () => {
    await cache!.run('ACL', 'SETUSER', 'narrow', 'on', '>narrow-password', '~*', '+@all', '-hgetall', '-scan');
    const { code, of } = await examine(
      config({ cache: `redis({ url: 'redis://narrow:narrow-password@127.0.0.1:${cache!.port}' })` }),
    );
    expect(code).toBe(0);
    expect(told(of('cache'), 'warning')).toEqual([
      {
        about: 'rights',
        level: 'warning',
        what: 'This user may not use what tests read with: HGETALL, SCAN.',
        mend: 'Let the administrator run: ACL SETUSER narrow +hgetall +scan (and see to its key patterns)',
      },
    ]);
  });
});

describe('nothing is written', () => {
  test('to PostgreSQL: not a byte of WAL, not a transaction, not a session left', async () => {
    const read = async () => {
      const { rows } = await db.run(
        'select pg_current_wal_insert_lsn() as wal, pg_snapshot_xmax(pg_current_snapshot()) as xid',
      );
      return rows[0];
    };
    await db.run('checkpoint');
    const files = config({ db: `postgres({ url: '${db.url('shop')}' })` });
    await examine(files); // What looking at a catalog for the first time costs is behind.
    const before = await read();
    await examine(files);
    expect(await read()).toEqual(before);
    const { rows } = await db.run("select application_name from pg_stat_activity where datname = 'shop'");
    expect(rows).toEqual([]);
  });

  test.skipIf(!ANY)('to Redis: each command that came only reads', async () => {
    const monitor = await cache!.client().monitor();
    const seen: string[] = [];
    monitor.on('monitor', (_time: string, [command, second]: string[]) =>
      seen.push(/^(acl|client)$/i.test(command!) ? `${command} ${second}` : command!),
    );
    await examine(config({ cache: `redis({ url: '${cache!.url()}', channels: ['news'] })` }));
    await cache!.run('ECHO', 'end');
    await vi.waitFor(() => expect(seen.map((name) => name.toLowerCase())).toContain('echo'));
    monitor.disconnect();
    const names = new Set(seen.map((name) => name.toLowerCase()));
    const reading =
      `acl whoami,client info,client setinfo,client setname,dbsize,echo,get,hello,hgetall,info,lrange,ping,pttl,scan,
      smembers,subscribe,time,type,xrange,zrange`.split(/,\s*/);
    expect([...names].filter((name) => !reading.includes(name))).toEqual([]);
    expect([...names]).toEqual(expect.arrayContaining(['hgetall', 'time']));
    expect(await cache!.run('DBSIZE')).toBe(0);
  });
});
