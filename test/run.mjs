/**
 * `npm test`: prepares what the suites need (test/servers), then runs the project's own tests under a Node that
 * Vitest supports: this one, or the newer one that the lock file brings. Arguments go to Vitest.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { prepare } from './servers/prepare.mjs';
import { newerNode } from './toolchain/node.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
const vitest = createRequire(import.meta.url)
  .resolve('vitest/package.json')
  .replace(/package\.json$/, 'vitest.mjs');
const results = join(root, '.cache', 'results.json');

if (!prepare()) process.exit(1);
rmSync(results, { force: true });
const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${results}`];
const { status, signal, error } = spawnSync(newerNode(), [vitest, 'run', ...reporters, ...process.argv.slice(2)], {
  cwd: root,
  stdio: 'inherit',
});
if (!existsSync(results)) {
  console.error(`Vitest ended before it wrote its results (${error?.message ?? signal ?? `exit code ${status}`}).`);
  process.exit(1);
}

const { numPassedTests, numFailedTests, numPendingTests, numTodoTests } = JSON.parse(readFileSync(results, 'utf8'));
console.log(`${numPassedTests} passed, ${numFailedTests} failed, ${numPendingTests + numTodoTests} skipped`);
process.exit(status ?? 1);
