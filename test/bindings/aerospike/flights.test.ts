/** What closing the client must not do: end the process. Each case runs in a process of its own. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { OWN_AEROSPIKE, startAerospike, type TestAerospike } from '../../support/aerospike.ts';

let server: TestAerospike;
beforeAll(async () => {
  server = await startAerospike();
});
afterAll(() => server?.stop());

/** Runs `body` with an open client in a Node of its own; what it prints, and how it ended. */
async function run(body: string): Promise<{ code: number | null; signal: string | null; output: string }> {
  const root = join(import.meta.dirname, '..', '..', '..');
  const program = `
    import { binding } from '${root}/bindings/databases/aerospike/index.ts';
    import { openBinding, silent } from '${root}/test/support/scope.ts';
    const lines = [];
    const log = { ...silent, warn: (line) => lines.push(line) };
    const open = () => openBinding(binding, { hosts: '${server.hosts}', namespace: 'test', connectTimeout: 500 }, { log });
    const { client, handle } = await open();
    const close = () => binding.close(client);
    const { driver } = handle;
    const key = new driver.Key('test', 'flights', 1);
    ${body}`;
  const child = spawn(process.execPath, ['--input-type=module-typescript', '-e', program], {
    cwd: root,
    env: { ...process.env, SERVER_PID: String(server.pid) },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (text) => (output += text));
  const late = setTimeout(() => child.kill('SIGKILL'), 20_000);
  const [code, signal] = (await once(child, 'close')) as [number | null, string | null];
  clearTimeout(late);
  return { code, signal, output };
}

const FREEZE = "process.kill(Number(process.env.SERVER_PID), 'SIGSTOP');";
const THAW = "process.kill(Number(process.env.SERVER_PID), 'SIGCONT');";

describe(`closing on ${OWN_AEROSPIKE}`, () => {
  test('commands of every kind under way: each ends, then the client, then the process', async () => {
    const { code, output } = await run(`
      const ends = [];
      const note = (name) => [() => ends.push(name), () => ends.push(name)];
      client.get(key).then(...note('get'));
      client.put(key, { n: 1 }).then(...note('put'));
      client.exists(key, (error, found) => ends.push('callback'));
      client.batchRead([{ key, readAllBins: true }]).then(...note('batch'));
      client.infoAll('node').then(...note('info'));
      client.truncate('test', 'flights', 0).then(...note('truncate'));
      client.query('test', 'flights').results().then(...note('query'));
      client.scan('test', 'flights').results().then(...note('scan'));
      await close();
      console.log(ends.sort().join(' '));`);
    expect(output).toBe('batch callback get info put query scan truncate\n');
    expect(code).toBe(0);
  });

  test('the same 30 times in one process', async () => {
    const { code, output } = await run(`
      await close();
      for (let i = 0; i < 30; i += 1) {
        const other = await open();
        for (let n = 0; n < 30; n += 1) other.client.get(key).catch(() => {});
        other.client.infoAny('node').catch(() => {});
        other.client.query('test', 'flights').foreach().on('error', () => {});
        await binding.close(other.client);
      }
      console.log('all closed');`);
    expect({ code, output }).toEqual({ code: 0, output: 'all closed\n' });
  });

  test('a test that closes the client itself, with commands under way', async () => {
    const { code, output } = await run(`
      const read = client.exists(new driver.Key('test', 'flights', 'none'));
      client.close(true);
      console.log('read', await read);
      console.log(await client.get(key).catch((error) => error.message));
      console.log(await handle.key('flights', 1).get().catch((error) => error.message));
      await close();
      const again = await open();
      console.log('again', await again.client.exists(new driver.Key('test', 'flights', 'none')));
      await binding.close(again.client);`);
    expect(output.split('\n').slice(0, 2)).toEqual(['read false', 'Not connected.']);
    expect(output).toContain('The client has lost all nodes, or was closed');
    expect(output).toContain('again false');
    expect(code).toBe(0);
  });

  test('hung: closing does not wait, and a command that was to last for ever ends all the same', async () => {
    const { code, output } = await run(`
      ${FREEZE}
      const read = client.get(key, { totalTimeout: 1500, maxRetries: 0 }).catch((error) => error.code);
      const start = performance.now();
      await close();
      console.log(performance.now() - start < 1000);
      console.log('read', await read);
      ${THAW}`);
    server.thaw();
    expect({ code, output }).toEqual({ code: 0, output: 'true\nread 9\n' });
  });

  test('0, for ever, is given an end', async () => {
    const { code, output } = await run(`
      const asked = [];
      const native = client.as_client;
      const { getAsync, queryAsync } = native;
      native.getAsync = (...args) => { asked.push(args[1].totalTimeout); return getAsync.apply(native, args); };
      native.queryAsync = (...args) => { asked.push(args[3]?.totalTimeout); return queryAsync.apply(native, args); };
      await client.get(key, { totalTimeout: 0 }).catch(() => {});
      await client.get(key, { totalTimeout: 70 }).catch(() => {});
      await client.query('test', 'flights').results({ maxRetries: 1 });
      await client.query('test', 'flights').results();
      console.log(JSON.stringify(asked));
      await close();`);
    expect({ code, output }).toEqual({ code: 0, output: '[30000,70,30000,null]\n' });
  });

  test('what the C client writes is in the log, not on stderr', async () => {
    await using own = await startAerospike();
    const { output } = await run(`
      await close();
      const other = await openBinding(binding, { hosts: '${own.hosts}', namespace: 'test' }, { log });
      process.kill(${own.pid}, 'SIGKILL');
      for (let i = 0; i < 60; i += 1) {
        await other.handle.key('flights', 1).get().catch(() => {});
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
      await binding.close(other.client);
      console.log(JSON.stringify(lines));`);
    expect(output).toMatch(/^\["Aerospike's client: /);
    expect(output).not.toContain('WARN');
    expect(output).not.toContain('GMT');
  });

  test('a failed opening leaves nothing that keeps the process alive', async () => {
    const { code, output } = await run(`
      await close();
      for (const namespace of ['tset', 'tset']) {
        await openBinding(binding, { hosts: '${server.hosts}', namespace }).catch((error) => console.log(error.code));
      }`);
    expect({ code, output }).toEqual({ code: 0, output: 'QA_NOT_FOUND\nQA_NOT_FOUND\n' });
  });
});
