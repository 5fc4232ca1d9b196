/** As ends.test.ts, for what Kafka adds: a JVM that is slow to end, and one that only prepares. */
import { execFile } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { describe, expect, test } from 'vitest';
import { CACHE, hasKafka, kafkaJars } from '../support/kafka-jars.ts';
import { javaOf, preparing } from './brokers.ts';
import { isAlive, keeperOf, type Ready, RunInSmall, remains } from './processes.ts';

const WITHIN = 5000;
const env = { ...process.env, QA_CACHE: CACHE };

describe.skipIf(process.platform !== 'linux' || !hasKafka())('whatever ends a run, its broker is gone', () => {
  const ends: Record<string, (run: RunInSmall, ready: Ready, keeper: number) => void> = {
    'its own end': (run) => run.end(),
    'Ctrl-C': (run) => process.kill(-run.process.pid!, 'SIGINT'),
    'SIGTERM of the main process': (run) => run.process.kill('SIGTERM'),
    'SIGKILL of the main process and the keeper': (run, _ready, keeper) => {
      run.process.kill('SIGKILL');
      process.kill(keeper, 'SIGKILL');
    },
    'SIGKILL of the main process while the broker is stopped': (run, ready) => {
      process.kill(ready.serverPid, 'SIGSTOP');
      run.process.kill('SIGKILL');
    },
  };

  test.each(Object.entries(ends))('%s', async (name, end) => {
    using run = new RunInSmall({ env });
    const ready = await run.worker('kafka');
    const keeper = keeperOf(ready);
    expect([ready.serverPid, keeper].map(isAlive)).toEqual([true, true]);
    expect(existsSync(ready.data)).toBe(true);

    end(run, ready, keeper);

    const isLeft = name.endsWith('and the keeper');
    expect(await remains(ready, isLeft ? 2500 : WITHIN, keeper)).toEqual(isLeft ? ["the run's folder"] : []);
  });

  test('a run that is kept tells the broker, until its command ends it', async () => {
    using run = new RunInSmall({ env });
    const ready = await run.worker('kafka-keep');
    const keeper = keeperOf(ready);
    expect(ready.kept).toEqual({ addresses: [`kafka://${ready.url}`], stop: `kill ${keeper}` });
    run.process.kill('SIGKILL');
    await sleep(500); // Long enough for what ends it otherwise: 0.1 s.
    expect(isAlive(ready.serverPid)).toBe(true);

    await promisify(execFile)('sh', ['-c', ready.kept!.stop]);
    expect(await remains(ready, WITHIN, keeper)).toEqual([]);
  });

  test('a run that is killed while a broker is prepared leaves nothing, and the next one prepares it', async () => {
    const cache = mkdtempSync(join(tmpdir(), 'qa-test-cache-'));
    symlinkSync(kafkaJars('4.3.1'), join(cache, 'kafka-4.3.1'));
    try {
      using run = new RunInSmall({ env: { ...env, QA_CACHE: cache } });
      const ready = await run.worker('kafka-prepare');
      while (preparing(cache)?.pid === undefined) await sleep(20);
      const { folder, pid } = preparing(cache)!;
      const keeper = keeperOf(ready);

      run.process.kill('SIGKILL');

      expect(await remains({ ...ready, serverPid: pid!, data: `${folder}/data` }, WITHIN, keeper)).toEqual([]);
      expect(javaOf(folder)).toBeUndefined();
      expect(readdirSync(cache)).toEqual(['kafka-4.3.1']);

      using next = new RunInSmall({ env: { ...env, QA_CACHE: cache } });
      expect(isAlive((await next.worker('kafka')).serverPid)).toBe(true);
      expect(readdirSync(cache)).toHaveLength(2);
    } finally {
      rmSync(cache, { recursive: true, force: true });
    }
  }, 180_000);

  test('a run that is killed while Maven fetches leaves neither Maven nor half of what it fetched', async () => {
    const cache = mkdtempSync(join(tmpdir(), 'qa-test-cache-'));
    try {
      const bin = join(cache, 'maven', 'bin');
      mkdirSync(bin, { recursive: true });
      // One that never gets an answer.
      writeFileSync(
        join(bin, 'mvn'),
        '#!/bin/sh\necho $$ >"$QA_CACHE/pid.new"; mv "$QA_CACHE/pid.new" "$QA_CACHE/pid"\nexec sleep 300\n',
      );
      chmodSync(join(bin, 'mvn'), 0o755);
      using run = new RunInSmall({ env: { ...env, QA_CACHE: cache, MAVEN_HOME: join(cache, 'maven') } });
      const ready = await run.worker('kafka-prepare');
      while (!existsSync(join(cache, 'pid'))) await sleep(20);
      const pid = Number(readFileSync(join(cache, 'pid'), 'utf8'));
      const folder = readdirSync(cache).find((name) => name.startsWith('.kafka-4.3.1-'))!;
      expect(isAlive(pid)).toBe(true);
      const keeper = keeperOf(ready);

      run.process.kill('SIGKILL');

      expect(await remains({ ...ready, serverPid: pid, data: join(cache, folder, 'lib') }, WITHIN, keeper)).toEqual([]);
      expect(readdirSync(cache).sort()).toEqual(['maven', 'pid']);
    } finally {
      rmSync(cache, { recursive: true, force: true });
    }
  });
});
