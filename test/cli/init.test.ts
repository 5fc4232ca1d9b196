/** `qa init` as a user runs it, in projects of all sorts; what it writes is run. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { project, type RunResult, run } from '../support/consumer.ts';

/** A repository of its own: what is above is not the user's. */
const repository = (files: Record<string, string> = {}) => project({ '.git/HEAD': '', ...files });
const init = (folder: string, ...args: string[]): Promise<RunResult> => run(folder, 'qa', ['init', ...args]);
const read = (folder: string, path: string) => readFileSync(join(folder, path), 'utf8');

describe('a project with nothing but a package.json', () => {
  test('gets config, runner config and an example that passes in both runners; a second run changes nothing', async () => {
    const folder = repository();
    const { code, output } = await init(folder);
    expect(code, output).toBe(0);
    expect(output).toBe(`✔ qa.config.cjs             written: db (postgres)
✔ tests/qa-example.test.js  written: an example to begin with
✔ jest.config.cjs           written
✔ vitest.config.mts         written

Next
  npx jest tests/qa-example.test.js
  npx vitest run tests/qa-example.test.js
  npx qa doctor
`);
    for (const [runner, args] of [
      ['jest', ['--ci', 'tests/qa-example.test.js']],
      ['vitest', ['run', 'tests/qa-example.test.js']],
    ] as const) {
      const ran = await run(folder, runner, args);
      expect(ran.code, ran.output).toBe(0);
      expect(ran.output).toMatch(/Tests:? .*2 passed/);
    }
    const again = await init(folder);
    expect(again).toEqual({
      code: 0,
      output: `· qa.config.cjs      kept: it was there
· jest.config.cjs    kept: it was there
· vitest.config.mts  kept: it was there

Nothing to do: all is there.
`,
    });
  });

  test('is only told about with --dry-run', async () => {
    const folder = repository();
    const { code, output } = await init(folder, '--dry-run');
    expect(code).toBe(0);
    expect(output).toContain('✔ qa.config.cjs             would be written: db (postgres)');
    expect(existsSync(join(folder, 'qa.config.cjs'))).toBe(false);
    expect(read(folder, 'package.json')).toBe('{ "private": true }\n');
  });
});
