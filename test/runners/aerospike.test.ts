/** Aerospike in both runners: the code word for word, and what its native client must not do to a run. */
import { watch } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { PASSWORD, USERS } from '../bindings/aerospike/users.ts';
import {
  AEROSPIKE,
  OWN_AEROSPIKE,
  startAerospike,
  startStandIn,
  type TestAerospike,
  useAerospike,
} from '../support/aerospike.ts';
import { project } from '../support/consumer.ts';
import { jest, outcome } from '../support/jest.ts';
import { vitest } from '../support/vitest.ts';

const CONFIG = (more = '', settings = '') => `
  import { aerospike, defineConfig, fromEnv } from '@qa/jest-preset';
  const config = defineConfig({
    connections: { profiles: aerospike({ hosts: fromEnv('AEROSPIKE_HOSTS'), namespace: 'test'${more} }) },
    openTimeout: 3000,${settings}
  });
  export default config;`;
const FILES = {
  'qa.config.ts': CONFIG(),
  'jest.config.cjs': "module.exports = { preset: '@qa/jest-preset' };",
  'vitest.config.mts': `
    import { qaPreset } from '@qa/jest-preset/vitest';
    export default { plugins: [qaPreset()], test: { globals: true } };`,
};
const RUNNERS = { jest, vitest } as const;
/** One process for all files. */
const ONE_PROCESS = { jest: ['-i'], vitest: ['--no-file-parallelism', '--no-isolate'] } as const;

let server: TestAerospike;
const env = (hosts = server.hosts) => ({ AEROSPIKE_HOSTS: hosts });
beforeAll(async () => {
  server = await useAerospike();
});
afterAll(() => server?.stop());

describe.each(['jest', 'vitest'] as const)(`%s on ${AEROSPIKE}`, (name) => {
  const runner = RUNNERS[name];

  test('the code of the issue, word for word', async () => {
    const folder = project({
      ...FILES,
      'profiles.test.ts': `
        beforeAll(() => qa.profiles.seed('users', { 'u-1': { name: 'Ann', visits: 3, tags: ['a', { b: 1n }], face: Buffer.from('x') } }));
        afterAll(() => qa.profiles.client.truncate('test', 'users', 0));
        test('a record', async () => {
          await expect(qa.profiles.key('users', 'u-1')).toHaveEntry({ name: 'Ann', visits: 3 });
          await expect(qa.profiles.key('users', 'u-1')).toHaveEntry({ visits: 3n, tags: ['a', { b: 1 }], face: new Uint8Array([120]) });
          await expect(qa.profiles.key('users', 'u-1')).toHaveEntry({ name: 'Ann' }, { generation: { atLeast: 1 } });
          await expect(qa.profiles.key('users', 'u-2')).not.toHaveEntry({ name: 'Ann' });
        });
        test('a set', async () => {
          await expect(qa.profiles.set('users')).toHaveRowMatching({ name: 'Ann' });
          await expect(qa.profiles.set('users')).toHaveRowCount(1);
          await expect(qa.profiles.set('users')).not.toHaveRowMatching({ name: 'Ben' });
        });
        test('waiting', async () => {
          const { driver, client } = qa.profiles;
          expect(client).toBeInstanceOf(driver.Client);
          setTimeout(() => client.put(new driver.Key('test', 'users', 'u-3'), { name: 'Cid' }), 100);
          expect(await qa.profiles.key('users', 'u-3').waitFor({ name: 'Cid' })).toEqual({ name: 'Cid' });
          setTimeout(() => client.remove(new driver.Key('test', 'users', 'u-3')), 100);
          await expect(qa.profiles.key('users', 'u-3')).not.toHaveEntry({ name: 'Cid' });
        });`,
    });
    const result = await runner(folder, [], { env: env() });
    expect(result.code, result.output).toBe(0);
    expect(Object.values(outcome(result as never))).toEqual(['passed', 'passed', 'passed']);
    expect(result.output).not.toMatch(/did not exit|WARN|as_cluster/);
  });

  test('a failure says what is there', async () => {
    const folder = project({
      ...FILES,
      'fails.test.ts': `
        beforeAll(() => qa.profiles.seed('people', { 'u-1': { name: 'Ann', visits: 3 }, 'u-2': { name: 'Ben', visits: 1 } }));
        afterAll(() => qa.profiles.client.truncate('test', 'people', 0));
        test('record', async () => { await expect(qa.profiles.key('people', 'u-1')).toHaveEntry({ name: 'Ann', visits: 4 }, { within: 100 }); });
        test('missing', async () => { await expect(qa.profiles.key('people', 'u1')).toHaveEntry({ name: 'Ann' }, { within: 100 }); });
        test('row', async () => { await expect(qa.profiles.set('people')).toHaveRowMatching({ name: 'Ann', visits: 4 }, { within: 100 }); });`,
    });
    const { tests, output } = await runner(folder, [], { env: env() });
    const text = (test: string) => tests[test]?.messages.join('\n') ?? output;
    const [host, port] = server.hosts.split(':');
    expect(text('record')).toMatch(/The record is not as expected/);
    expect(text('record')).toMatch(/visits[\s\S]*4[\s\S]*3/);
    expect(text('record')).toContain(`aql -h ${host} -p ${port} -c "SELECT * FROM test.people WHERE PK = 'u-1'"`);
    expect(text('record')).toContain(`record 'u-1' of the set people, qa.profiles (aerospike://${server.hosts}/test)`);
    expect(text('missing')).toMatch(
      /There is no such record[\s\S]*the set people holds 2 records; near to this key: 'u-1'/,
    );
    expect(text('row')).toMatch(/set people of qa.profiles .*, at most 10,000 records/);
    expect(text('row')).toMatch(/2 rows/);
  });

  test('50 files in one process, with commands under way at the end of each', async () => {
    const file = (i: number) => `
      ${i % 2 ? "import aerospike from 'aerospike';" : ''}
      const flights: Promise<unknown>[] = [];
      test('file ${i}', async () => {
        await qa.profiles.seed('many', { 'f-${i}': { i: ${i} } });
        await expect(qa.profiles.key('many', 'f-${i}')).toHaveEntry({ i: ${i} });
        ${i % 2 ? 'expect(qa.profiles.client).toBeInstanceOf(aerospike.Client);' : ''}
      });
      afterAll(() => {
        const { client, driver } = qa.profiles;
        for (let n = 0; n < 20; n += 1) client.get(new driver.Key('test', 'many', 'f-' + n)).catch(() => {});
        for (let n = 0; n < 3; n += 1) client.infoAny('node').catch(() => {});
        client.batchRead([{ key: new driver.Key('test', 'many', 'f-1'), readAllBins: true }]).catch(() => {});
        client.query('test', 'many').foreach().on('error', () => {});
        ${i % 5 === 0 ? 'client.close();' : ''}
      });`;
    const folder = project({
      ...FILES,
      ...Object.fromEntries(Array.from({ length: 50 }, (_, i) => [`f${i}.test.ts`, file(i)])),
    });
    const result = await runner(folder, ONE_PROCESS[name], { env: env() });
    expect(result.code, result.output).toBe(0);
    expect(Object.values(outcome(result as never)).filter((status) => status === 'passed')).toHaveLength(50);
    expect(result.output).not.toMatch(/did not exit|glibc|Aborted/);
  });

  test('in worker threads the connection is refused, with what to set', async () => {
    const folder = project({
      ...FILES,
      'a.test.ts': "test('a', () => qa.profiles.key('users', 1).get());",
      'b.test.ts': "test('b', () => qa.profiles.key('users', 1).get());",
    });
    const args = name === 'jest' ? ['--maxWorkers=2', '--workerThreads'] : ['--pool=threads'];
    const { code, output } = await runner(folder, args, { env: env() });
    expect(code).toBe(1);
    expect(output).toContain(
      "qa.profiles: The native driver `aerospike` ends the whole process when it runs in a worker thread, and these tests run in one. In Vitest set `pool: 'forks'`; in Jest leave `workerThreads` out.",
    );
    expect(output).not.toContain('glibc');
  });
});

test("in Vitest's vm pools the connection is refused, with what to set", async () => {
  const file = "test('a', () => qa.profiles.key('users', 1).get());";
  const folder = project({ ...FILES, 'a.test.ts': file, 'b.test.ts': file });
  const { code, output } = await vitest(folder, ['--pool=vmForks', '--maxWorkers=1'], { env: env() });
  expect(code).toBe(1);
  expect(output).toContain(
    "qa.profiles: The native driver `aerospike` can be loaded once a process only, and these tests load their modules anew for each file, in a vm. In Vitest set `pool: 'forks'`; in Jest leave `workerThreads` out.",
  );
  expect(output).not.toContain('1 passed');
});

describe.each(['jest', 'vitest'] as const)(`%s, a server that misbehaves: ${OWN_AEROSPIKE}`, (name) => {
  const runner = RUNNERS[name];
  const TOUCH = "test('touches', async () => { await expect(qa.profiles.set('users')).toHaveRowCount(0); });";

  test('down: one error with connection, address and mend, and the run ends', async () => {
    const own = await startAerospike();
    await own.stop();
    const folder = project({ ...FILES, 'a.test.ts': TOUCH });
    const { code, output } = await runner(folder, [], { env: env(own.hosts) });
    expect(code).toBe(1);
    expect(output).toContain(
      `qa.profiles (${own.url}): Nothing listens there: the connection was refused. Start the server, or correct \`hosts\``,
    );
    expect(output).not.toMatch(/did not exit|as_cluster/);
  });

  test('hung: within its deadline, and the next file works', async () => {
    await using own = await startAerospike();
    const folder = project({
      ...FILES,
      'qa.config.ts': CONFIG('', ' within: 800,'),
      'a.test.ts': `
        test('hangs', async () => {
          process.kill(Number(process.env.SERVER_PID), 'SIGSTOP');
          await expect(qa.profiles.key('users', 'u-1')).toHaveEntry({ n: 1 }, { soft: false });
        }, 4000);
        afterAll(() => { process.kill(Number(process.env.SERVER_PID), 'SIGCONT'); });`,
      'b.test.ts': TOUCH.replace('touches', 'works'),
    });
    const result = await runner(folder, ONE_PROCESS[name], {
      env: { ...env(own.hosts), SERVER_PID: String(own.pid) },
    });
    own.thaw();
    expect(outcome(result as never)).toEqual({ hangs: 'failed', works: 'passed' });
    expect(result.tests.hangs!.messages.join('\n')).toContain(own.hosts);
    expect(result.output).not.toMatch(/did not exit|as_cluster/);
  });

  test('hung before it opens: an error that names it, and the run ends', async () => {
    await using own = await startAerospike();
    own.freeze();
    const folder = project({ ...FILES, 'qa.config.ts': CONFIG(', connectTimeout: 800'), 'a.test.ts': TOUCH });
    const { code, output } = await runner(folder, [], { env: env(own.hosts) });
    own.thaw();
    expect(code).toBe(1);
    expect(output).toContain(
      `qa.profiles (${own.url}): The server took the connection but does not answer. See whether it hangs or is no Aerospike, or give it more time with \`connectTimeout\``,
    );
    expect(output).not.toContain('did not exit');
  });

  test('killed in mid-test: told as such; back again: waits go on, the next file works', async () => {
    await using own = await startAerospike();
    const folder = project({
      ...FILES,
      'a.test.ts': `
        import { writeFileSync } from 'node:fs';
        test('dies', async () => {
          await qa.profiles.seed('users', { 'u-1': { n: 1 } });
          process.kill(Number(process.env.SERVER_PID), 'SIGKILL');
          let code;
          while (code === undefined) code = await qa.profiles.key('users', 'u-1').get().then(() => undefined, (e) => e.code);
          expect(code).toBe('QA_CONNECTION_LOST');
          await expect(qa.profiles.seed('users', { 'u-1': { n: 1 } })).rejects.toThrow(/No node can be reached/);
        });
        test('comes back', async () => {
          writeFileSync('dead', '');
          await expect(qa.profiles.set('users')).toHaveRowCount(0, { within: 10_000, soft: false });
          await qa.profiles.seed('users', { 'u-1': { n: 1 } });
          await qa.profiles.client.truncate('test', 'users', 0);
        });`,
      'b.test.ts': TOUCH.replace('touches', 'works'),
    });
    const running = runner(folder, ONE_PROCESS[name], { env: { ...env(own.hosts), SERVER_PID: String(own.pid) } });
    for await (const { filename } of watch(folder)) {
      if (filename === 'dead' || filename === 'results.json') break;
    }
    await own.crash();
    await own.start();
    const result = await running;
    expect(outcome(result as never), result.output).toEqual({
      dies: 'passed',
      'comes back': 'passed',
      works: 'passed',
    });
    expect(result.output).not.toMatch(/did not exit|as_cluster/);
  });

  test('the password shows nowhere, also not in errors of the client itself', async () => {
    await using own = await startStandIn({ users: USERS });
    const folder = project({
      ...FILES,
      'qa.config.ts': CONFIG(", user: 'tester', password: fromEnv('SECRET')"),
      'a.test.ts': `
        test('raw', async () => { await qa.profiles.client.get(new qa.profiles.driver.Key('nowhere', 'users', 1)); });
        test('ours', async () => { await expect(qa.profiles.key('users', 1)).toHaveEntry({ n: 1 }, { within: 10 }); });
        test('hard', async () => { await qa.profiles.seed('users', { a: { big: Buffer.alloc(2 ** 21) } }); });`,
    });
    const right = await runner(folder, [], { env: { ...env(own.hosts), SECRET: PASSWORD } });
    const wrong = await runner(folder, [], { env: { ...env(own.hosts), SECRET: 'not-the-password' } });
    expect(outcome(right as never)).toEqual({ raw: 'failed', ours: 'failed', hard: 'failed' });
    expect(right.output).not.toContain(PASSWORD);
    expect(JSON.stringify(right)).not.toContain(PASSWORD);
    expect(wrong.output).toContain('The server refused the password of the user `tester`. Correct user and password');
    expect(JSON.stringify(wrong)).not.toContain('not-the-password');
  });

  test('slow: what takes longer than one look is waited for', async () => {
    await using own = await startStandIn({ delay: 150 });
    const folder = project({
      ...FILES,
      'a.test.ts': `
        test('slow', async () => {
          await qa.profiles.seed('users', { 'u-1': { n: 1 } });
          await expect(qa.profiles.key('users', 'u-1')).toHaveEntry({ n: 1 });
          await expect(qa.profiles.set('users')).toHaveRowMatching({ n: 1 });
        });`,
    });
    const result = await runner(folder, [], { env: env(own.hosts) });
    expect(result.code, result.output).toBe(0);
  });
});
