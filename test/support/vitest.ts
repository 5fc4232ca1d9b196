/** Runs Vitest on a consumer project and reads its JSON. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type RunOptions, type RunResult, run, stripColours } from './consumer.ts';

export interface VitestRun extends RunResult {
  /** `describe test` → what became of it. */
  tests: Record<string, { status: string; messages: string[] }>;
  /** Message of each file that could not be run, or that failed as a whole. */
  files: Record<string, string>;
}

interface VitestJson {
  testResults: {
    name: string;
    message: string;
    assertionResults: { fullName: string; status: string; failureMessages: string[] | null }[];
  }[];
}

/** A config with our plugin, and `more` in `test`. */
export function vitestConfig(more = 'globals: true'): Record<string, string> {
  return {
    'vitest.config.mts': `import { qaPreset } from '@qa/jest-preset/vitest';\nexport default { plugins: [qaPreset()], test: { ${more} } };\n`,
  };
}

export async function vitest(
  folder: string,
  args: readonly string[] = [],
  options: RunOptions = {},
): Promise<VitestRun> {
  const reporters = ['--reporter=default', '--reporter=json', '--outputFile.json=results.json'];
  const result = await run(folder, 'vitest', ['run', ...reporters, ...args], options);
  let json: VitestJson;
  try {
    json = JSON.parse(readFileSync(join(folder, 'results.json'), 'utf8'));
  } catch {
    throw new Error(`Vitest wrote no results:\n${result.output}`);
  }
  const tests: VitestRun['tests'] = {};
  const files: VitestRun['files'] = {};
  for (const { name, message, assertionResults } of json.testResults) {
    files[name.slice(folder.length + 1)] = stripColours(message);
    for (const { fullName, status, failureMessages } of assertionResults)
      tests[fullName] = { status, messages: (failureMessages ?? []).map(stripColours) };
  }
  return { ...result, tests, files };
}

/** `describe test` → its status: the outcome at a glance. */
export function outcome({ tests }: VitestRun): Record<string, string> {
  return Object.fromEntries(Object.entries(tests).map(([name, { status }]) => [name, status]));
}
