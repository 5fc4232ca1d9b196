/** Whatever ends a run, its services are gone, and what these have started; whatever they print, memory stays bounded. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { currentRun } from '../../servers/index.ts';
import { isAlive, keeperOf, type Ready } from '../servers/processes.ts';
import { ask, fixture, TestFile, until } from './harness.ts';

type Run = ReturnType<typeof startRun>;

/** In a session of its own, as a terminal gives. */
function startRun(...args: string[]) {
  const file = fileURLToPath(new URL('fixtures/run.ts', import.meta.url));
  return spawn(process.execPath, [file, ...args], { detached: true, stdio: ['pipe', 'pipe', 'inherit'] });
}

async function readyOf(child: Run): Promise<Ready & { pids: number[] }> {
  const [line] = await once(child.stdout.setEncoding('utf8'), 'data');
  return JSON.parse(line);
}

describe.skipIf(process.platform !== 'linux')('whatever ends a run', () => {
  const ends: Record<string, (run: number, keeper: number) => void> = {
    'its own end': () => undefined,
    'Ctrl-C': (run) => process.kill(-run, 'SIGINT'),
    'SIGKILL of the main process': (run) => process.kill(run, 'SIGKILL'),
    'SIGKILL of the main process and the keeper': (run, keeper) => {
      process.kill(run, 'SIGKILL');
      process.kill(keeper, 'SIGKILL');
    },
  };

  test.concurrent.each(Object.entries(ends))(
    '%s',
    async (name, end) => {
      const child = startRun('deaf', 'forks');
      const ready = await readyOf(child);
      const keeper = keeperOf(ready);
      expect(ready.pids).toHaveLength(4);
      expect([...ready.pids, keeper].map(isAlive)).not.toContain(false);

      if (name === 'its own end') child.stdin.end('end\n');
      else end(child.pid!, keeper);

      await until(() => ![...ready.pids, keeper].some(isAlive));
    },
    30_000,
  );

  test.concurrent('but for QA_KEEP=1, which keeps them too, until its command stops them', async () => {
    const child = startRun('keep', 'well');
    const { kept, pids } = await readyOf(child);
    const [address = ''] = kept!.addresses;
    child.kill('SIGKILL');
    await once(child, 'exit');
    expect(await ask(address.replace('well: ', ''), '/health')).toBe('ok');
    process.kill(Number(kept!.stop.replace('kill ', '')), 'SIGTERM');
    await until(() => !pids.some(isAlive));
  });
});

describe.skipIf(process.platform !== 'linux')('what prints more than anybody reads', () => {
  const GIGABYTE = 1024;
  /** What the keeper had in memory at most, MB. */
  const memory = () => {
    const keeper = keeperOf({ run: currentRun() } as Ready);
    return Number(/VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${keeper}/status`, 'utf8'))?.[1]) / 1024;
  };

  test('a flood of 1 GB goes by: the service is not held up, its last lines are there, the keeper stays small', async () => {
    await using file = await new TestFile({ services: { flood: fixture(`floods ${GIGABYTE}`) } }).open();
    const lines = (await file.qa.service('flood').logs({ since: 'start' })).split('\n');
    expect(lines.slice(-3)).toEqual(['x'.repeat(1023), 'the flood is over', expect.stringMatching(/^listening on/)]);
    expect(lines.length).toBeLessThan(1100);
    expect(memory()).toBeLessThan(250);
  });

  test('a line of 100 MB, while another line is waited for', async () => {
    const services = { ramble: fixture('rambles 100', { ready: 'listening on' }) };
    await using file = await new TestFile({ services }).open();
    const text = await file.qa.service('ramble').logs({ since: 'start' });
    expect(text).toMatch(/^y{2000}…$/);
    expect(memory()).toBeLessThan(250);
    const block = await file.test(async (qa) => {
      for (let n = 1; n <= 40; n += 1) await ask(qa.service('ramble').url, '/say', `line ${n} ${'z'.repeat(1000)}`);
    });
    expect(block).toMatch(/^output of ramble:\n {2}… \(the last 30 lines\)\n {2}line 11 z{292}…\n/);
  });
});
