import { existsSync, mkdtempSync, readdirSync, readFileSync, utimesSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { beginRun, currentRun } from '../../servers/index.ts';
import { RunInSmall } from './processes.ts';

describe('a run', () => {
  test('a process begins one run and stays in it; its children read it from the environment', () => {
    const run = beginRun();
    expect(beginRun()).toBe(run);
    expect(currentRun()).toBe(run);
    expect(run.id).toMatch(/^[a-z][a-z0-9]{7}$/);
    expect(process.env).toMatchObject({ QA_RUN_ID: run.id, QA_RUN_SOCKET: run.socket, QA_RUN_PID: `${process.pid}` });
  });

  test('threads and processes are workers of one run, on one server', async () => {
    using run = new RunInSmall();
    const process = await run.worker();
    const thread = await run.worker('thread');
    expect(thread.adopted).toBe(process.adopted);
    expect(thread.serverPid).toBe(process.serverPid);
  });

  test.skipIf(process.platform !== 'linux')(
    'nothing is started before somebody asks, and nothing is left',
    async () => {
      using run = new RunInSmall();
      const { pid, socket } = (await run.worker('nothing')).run;
      expect(readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8')).toBe('');
      expect(readdirSync(dirname(socket))).toEqual(['main']);
      run.end();
      expect(await new Promise((resolve) => run.process.once('exit', resolve))).toBe(0);
      expect(existsSync(dirname(socket))).toBe(false);
    },
  );

  test.skipIf(process.platform === 'win32')('a new run removes the folders of runs that were killed', async () => {
    const dead = mkdtempSync(join(tmpdir(), 'qa-run-'));
    const alive = mkdtempSync(join(tmpdir(), 'qa-run-'));
    const young = mkdtempSync(join(tmpdir(), 'qa-run-'));
    const listener = createServer().listen(join(alive, 'main'));
    const longAgo = new Date(Date.now() - 3_600_000);
    for (const folder of [dead, alive]) utimesSync(folder, longAgo, longAgo);

    using run = new RunInSmall();
    const ready = await run.worker();
    while (existsSync(dead)) await sleep(10);

    expect([alive, young, dirname(ready.run.socket)].map((folder) => existsSync(folder))).toEqual([true, true, true]);
    listener.close();
    utimesSync(young, longAgo, longAgo);
    utimesSync(alive, longAgo, longAgo);
    using next = new RunInSmall();
    await next.worker();
    while (existsSync(alive) || existsSync(young)) await sleep(10);
  });
});
