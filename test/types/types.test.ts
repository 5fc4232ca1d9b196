/** The types of the matchers, judged by the compiler in each runner's world alone. */
import { execFile } from 'node:child_process';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { root } from '../support/consumer.ts';

const tsc = createRequire(import.meta.url).resolve('typescript/lib/tsc.js');
const run = (project: string, ...options: string[]) =>
  promisify(execFile)(process.execPath, [tsc, '-p', join(root, 'test/types', `tsconfig.${project}.json`), ...options], {
    cwd: root,
    maxBuffer: 2 ** 26,
  }).catch((error: { stdout: string }) => error);

test.each(['jest', 'jest-globals', 'vitest'])('%s', async (project) => {
  expect((await run(project)).stdout).toBe('');
});

test('neither runner needs the other', async () => {
  const files = async (project: string) => (await run(project, '--listFilesOnly')).stdout.split('\n');
  expect((await files('vitest')).filter((file) => /@types\/jest|node_modules\/expect\//.test(file))).toEqual([]);
  expect((await files('jest')).filter((file) => /node_modules\/vitest\//.test(file))).toEqual([]);
});
