/**
 * `npm test`: prepares what the suites need (test/servers), then runs the project's own tests under a Node that
 * Vitest supports: this one, or the newer one that the lock file brings.
 */
import { spawnSync } from 'node:child_process';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import { newerNode } from './toolchain/node.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
const vitest = createRequire(import.meta.url)
  .resolve('vitest/package.json')
  .replace(/package\.json$/, 'vitest.mjs');
const { status } = spawnSync(newerNode(), [vitest, 'run', ...process.argv.slice(2)], { cwd: root, stdio: 'inherit' });
process.exit(status ?? 1);
