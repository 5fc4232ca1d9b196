/**
 * What the log costs an operation: off, kept for a failure (as by default), and written to a file; beside the same
 * operation without it. The operation itself does nothing, so the differences are the log's.
 */
import { AsyncLocalStorage } from 'node:async_hooks';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { trace } from '../bindings/core/trace.ts';
import { type Active, Journal } from '../environment/log/journal.ts';
import { figure, median } from './figures.ts';

const ROUNDS = 15;
const folder = mkdtempSync(join(tmpdir(), 'qa-bench-log-'));
const storage = new AsyncLocalStorage<Active>();
const state = { parent: undefined };
const active: Active = { kind: 'test', name: 'a test', isSettled: false, state };
const work = async (seen: Record<string, unknown>) => {
  seen.rows = 1;
};
const made = () => ({
  connection: 'db',
  kind: 'postgres',
  operation: 'query',
  attributes: { sql: 'select * from orders where id = $1', rows: undefined },
});

function journal(level: string | undefined, file?: string): Journal {
  if (level === undefined) delete process.env.QA_LOG;
  else process.env.QA_LOG = level;
  const made = new Journal({
    base: { run: 'r', worker: '1', file: 'a.test.ts' },
    baseDir: folder,
    log: { ...(file && { file }) },
    redact: (text) => text,
    current: () => storage.getStore(),
  });
  made.begin(state, 'a test');
  return made;
}

/** Microseconds an operation, in rounds that take turns. */
async function measure(runs: Record<string, () => Promise<unknown>>, times: number): Promise<Record<string, number>> {
  const taken = Object.fromEntries(Object.keys(runs).map((name) => [name, [] as number[]]));
  for (let round = 0; round < ROUNDS; round += 1) {
    for (const [name, run] of Object.entries(runs)) {
      const start = performance.now();
      await storage.run(active, async () => {
        for (let i = 0; i < times; i += 1) await run();
      });
      if (round > 2) taken[name]!.push(((performance.now() - start) * 1000) / times);
    }
  }
  return Object.fromEntries(Object.entries(taken).map(([name, values]) => [name, median(values)]));
}

const off = journal('silent');
const kept = journal(undefined);
const quick = await measure(
  {
    bare: () => work({ sql: 'select * from orders where id = $1', rows: undefined }),
    traced: () => trace(made(), work),
    off: () => off.operation(made(), work),
    kept: () => kept.operation(made(), work),
  },
  20_000,
);
const filed = journal(undefined, 'qa.ndjson');
const slow = await measure({ filed: () => filed.operation(made(), work) }, 1000);

figure('an operation without any of it', quick.bare!, 'µs');
figure('traced, and nobody listens: more', quick.traced! - quick.bare!, 'µs', 1);
figure('QA_LOG=silent: more', quick.off! - quick.bare!, 'µs', 1);
figure('kept for a failure (default): more', quick.kept! - quick.bare!, 'µs', 1);
figure('written to a file: more', slow.filed! - quick.bare!, 'µs');
rmSync(folder, { recursive: true });
