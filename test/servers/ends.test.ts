import { execFile } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import pg from 'pg';
import { describe, expect, test } from 'vitest';
import { canReach } from '../../servers/postgres/account.ts';
import { isAlive, keeperOf, type Ready, RunInSmall, remains } from './processes.ts';

const WITHIN = 5000;

describe.skipIf(process.platform !== 'linux')('whatever ends a run, nothing of it is left after five seconds', () => {
  const ends: Record<string, (run: RunInSmall, ready: Ready, keeper: number) => void> = {
    'its own end': (run) => run.end(),
    'Ctrl-C': (run) => process.kill(-run.process.pid!, 'SIGINT'),
    'SIGTERM of the main process': (run) => run.process.kill('SIGTERM'),
    'SIGKILL of the main process': (run) => run.process.kill('SIGKILL'),
    'SIGHUP of the whole group': (run) => process.kill(-run.process.pid!, 'SIGHUP'),
    'SIGKILL of the main process and the keeper': (run, _ready, keeper) => {
      run.process.kill('SIGKILL');
      process.kill(keeper, 'SIGKILL');
    },
  };

  test.each(Object.entries(ends))('%s', async (name, end) => {
    using run = new RunInSmall();
    const ready = await run.worker();
    const keeper = keeperOf(ready);
    expect([ready.serverPid, keeper].map(isAlive)).toEqual([true, true]);
    expect(existsSync(ready.data)).toBe(true);

    end(run, ready, keeper);

    // Nobody is left to remove the sockets' folder then: the next run does.
    const isLeft = name.endsWith('and the keeper');
    expect(await remains(ready, isLeft ? 2500 : WITHIN, keeper)).toEqual(isLeft ? ["the run's folder"] : []);
  });

  test('SIGKILL of the keeper ends its servers; the next demand starts others', async () => {
    using run = new RunInSmall();
    const ready = await run.worker();
    const keeper = keeperOf(ready);

    process.kill(keeper, 'SIGKILL');

    expect(await remains(ready, WITHIN, keeper)).toEqual([]);
    const next = await run.worker();
    expect(await answer(next.url)).toBe(1);
    expect(next.serverPid).not.toBe(ready.serverPid);
    const nextKeeper = keeperOf(next);
    run.end();
    expect(await remains(next, WITHIN, nextKeeper)).toEqual([]);
  });

  test('SIGKILL of the server removes its data; the next demand starts another', async () => {
    using run = new RunInSmall();
    const ready = await run.worker();

    process.kill(ready.serverPid, 'SIGKILL');

    expect(await remains(ready, WITHIN, 0)).toEqual([]);
    const next = await run.worker();
    expect(await answer(next.url)).toBe(1);
    expect(next.serverPid).not.toBe(ready.serverPid);
  });

  test('SIGKILL of a worker leaves the server to the others, and its end does too', async () => {
    using run = new RunInSmall();
    const first = await run.worker();

    process.kill(first.workerPid, 'SIGKILL');

    const second = await run.worker();
    expect(second.serverPid).toBe(first.serverPid);
    expect(await answer(first.url)).toBe(1);
    expect(second.url).not.toBe(first.url);
    const keeper = keeperOf(first);
    run.end();
    expect(await remains(first, WITHIN, keeper)).toEqual([]);
  });

  test('SIGKILL of a worker in the midst of the schema: the next one starts it afresh', async () => {
    using run = new RunInSmall();
    const first = await run.worker('schema');
    const next = run.worker('schema');

    process.kill(first.workerPid, 'SIGKILL');

    expect(await answer((await next).url, 'select worker as one from made')).toBe(2);
  });

  test('a worker that outlives its main process starts nothing of its own', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'qa-test-'));
    const file = join(folder, 'orphan');
    using run = new RunInSmall({ env: { ...process.env, ORPHAN: file } });
    const ready = await run.worker('orphan');
    const keeper = keeperOf(ready);

    run.process.kill('SIGKILL');

    expect(await remains(ready, WITHIN, keeper)).toEqual([]);
    while (!existsSync(file) || readFileSync(file, 'utf8') === '') await sleep(20);
    expect(readFileSync(file, 'utf8')).toBe(
      "QaError: qa.db: The run's main process, which starts throwaway servers, does not answer: it has ended. Run the tests again.",
    );
    rmSync(folder, { recursive: true });
  });

  test('nothing of ours keeps a worker alive that has done its work', async () => {
    using run = new RunInSmall();
    const { workerPid, serverPid } = await run.worker('leave');
    const deadline = performance.now() + WITHIN;
    while (isAlive(workerPid) && performance.now() < deadline) await sleep(20);
    expect([workerPid, serverPid].map(isAlive)).toEqual([false, true]);
  });

  test('a run that is kept outlives its main process, until its command ends it', async () => {
    using run = new RunInSmall();
    const ready = await run.worker('keep');
    const keeper = keeperOf(ready);
    run.process.kill('SIGKILL');
    await sleep(500); // Long enough for what ends it otherwise: 0.1 s.

    expect(await answer(ready.kept!.addresses[0]!)).toBe(1);
    expect(ready.kept).toEqual({ addresses: [ready.url], stop: `kill ${keeper}` });

    await promisify(execFile)('sh', ['-c', ready.kept!.stop]);
    expect(await remains(ready, WITHIN, keeper)).toEqual([]);
  });

  test('two runs side by side, one started inside the other, do not mix', async () => {
    using outer = new RunInSmall();
    const first = await outer.worker();
    const { id, socket, pid } = first.run;
    using inner = new RunInSmall({
      env: { ...process.env, QA_RUN_ID: id, QA_RUN_SOCKET: socket, QA_RUN_PID: String(pid) },
    });
    const second = await inner.worker();

    expect(second.run.id).not.toBe(first.run.id);
    expect(second.serverPid).not.toBe(first.serverPid);
    expect([first.adopted, second.adopted]).toEqual([first.run.id, second.run.id]);

    inner.end();
    expect(await remains(second, WITHIN, 0)).toEqual([]);
    expect(await answer(first.url)).toBe(1);
  });

  const nobody = { name: 'nobody', uid: 65_534, gid: 65_534 };
  const isReachable = process.getuid?.() === 0 && canReach(nobody, import.meta.dirname);
  test.skipIf(!isReachable)('as an ordinary user too (this test runs as root)', async () => {
    using run = new RunInSmall({ uid: nobody.uid, gid: nobody.gid, env: { ...process.env, HOME: '/nonexistent' } });
    const ready = await run.worker();
    expect(await answer(ready.url)).toBe(1);
    const keeper = keeperOf(ready);
    run.process.kill('SIGKILL');
    expect(await remains(ready, WITHIN, keeper)).toEqual([]);
    expect(existsSync(dirname(ready.run.socket))).toBe(false);
  });
});

async function answer(url: string, sql = 'select 1 as one'): Promise<number> {
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 3000 });
  await client.connect();
  try {
    return (await client.query(sql)).rows[0].one;
  } finally {
    await client.end();
  }
}
