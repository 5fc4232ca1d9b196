/** Starting a throwaway server: the first lease of a run, the next worker's, and the same worker's next file. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import pg from 'pg';
import { embedded } from '../bindings/core/server.ts';
import { beginRun, lease } from '../servers/index.ts';
import { figure } from './figures.ts';

const cache = fileURLToPath(new URL('../.cache/', import.meta.url));
mkdirSync(cache, { recursive: true });
const baseDir = mkdtempSync(join(cache, 'bench-'));
writeFileSync(join(baseDir, 'schema.sql'), 'create table orders (id text primary key);\n');
const run = beginRun();

const leased = async (worker: string) => {
  const start = performance.now();
  await lease({
    kind: 'postgres',
    server: embedded({ schema: './schema.sql' }),
    connection: 'db',
    namespace: { run: run.id, worker },
    baseDir,
    driver: pg,
    notice: () => undefined,
  });
  return performance.now() - start;
};

try {
  figure('cold: keeper, server, template, database', await leased('1'), 'ms');
  figure('the next worker', await leased('2'), 'ms');
  figure('the same worker, warm', await leased('2'), 'ms');
} finally {
  rmSync(baseDir, { recursive: true, force: true });
}
process.exit(0);
