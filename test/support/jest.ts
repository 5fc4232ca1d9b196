/** Runs Jest on a consumer project and reads its JSON. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type RunOptions, type RunResult, run, stripColours } from './consumer.ts';

export interface JestRun extends RunResult {
  /** `describe test` → what became of it. */
  tests: Record<string, { status: string; messages: string[] }>;
  /** Message of each file that could not be run, or that failed as a whole. */
  files: Record<string, string>;
  json: JestJson;
}

interface JestJson {
  testResults: {
    name: string;
    message: string;
    assertionResults: { fullName: string; status: string; failureMessages: string[] }[];
  }[];
}

export async function jest(folder: string, args: readonly string[] = [], options: RunOptions = {}): Promise<JestRun> {
  const result = await run(folder, 'jest', ['--ci', '--json', '--outputFile=results.json', ...args], options);
  let json: JestJson;
  try {
    json = JSON.parse(readFileSync(join(folder, 'results.json'), 'utf8'));
  } catch {
    throw new Error(`Jest wrote no results:\n${result.output}`);
  }
  const tests: JestRun['tests'] = {};
  const files: JestRun['files'] = {};
  for (const { name, message, assertionResults } of json.testResults) {
    files[name.slice(folder.length + 1)] = stripColours(message);
    for (const { fullName, status, failureMessages } of assertionResults)
      tests[fullName] = { status, messages: failureMessages.map(stripColours) };
  }
  return { ...result, tests, files, json };
}

/** `a passed, b failed`: the outcome at a glance. */
export function outcome({ tests }: JestRun): Record<string, string> {
  return Object.fromEntries(Object.entries(tests).map(([name, { status }]) => [name, status]));
}
