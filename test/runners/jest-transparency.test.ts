/** A suite that uses none of our features runs under our environment as under jest-environment-node. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { project, type RunOptions } from '../support/consumer.ts';
import { type JestRun, jest } from '../support/jest.ts';

interface Both {
  plain: JestRun;
  ours: JestRun;
  folders: { plain: string; ours: string };
}

async function both(
  args: readonly string[],
  options: RunOptions = {},
  files: Record<string, string> = {},
): Promise<Both> {
  const folders = { plain: project(files, 'jest-plain'), ours: project(files, 'jest-plain') };
  const plain = await jest(folders.plain, args, { ...options, env: { ...options.env, PLAIN: '1' } });
  const ours = await jest(folders.ours, args, options);
  return { plain, ours, folders };
}

/** What a reader of the JSON can see, without times and folders. */
function comparable({ json }: JestRun, folder: string): unknown {
  const text = JSON.stringify(json, (key, value) => {
    if (['startTime', 'endTime', 'startAt', 'duration', 'perfStats', 'runtime', 'start', 'end', 'seed'].includes(key))
      return 0;
    if (key === 'testResults' && Array.isArray(value))
      return [...value].sort((a, b) => (String(a.name) < String(b.name) ? -1 : 1));
    return value;
  });
  const withoutOurFrames = text
    .replace(/\\n\s+(?:(?!\\n).)*(?:@qa[\\/]jest-preset[\\/]dist|at AsyncLocalStorage\.run )(?:(?!\\n|").)*/g, '')
    .replaceAll(folder, '‹folder›');
  return JSON.parse(withoutOurFrames);
}

for (const node of ['newer', 'system'] as const) {
  test(`all results are the same (${node} Node)`, async () => {
    const { plain, ours, folders } = await both(['-i', '--ci=false', '--testLocationInResults'], { node });
    expect(Object.keys(plain.tests).length).toBeGreaterThan(50);
    expect(comparable(ours, folders.ours)).toEqual(comparable(plain, folders.plain));
    expect(ours.code).toBe(plain.code);
    for (const file of [
      'snapshots.test.js',
      'forms.test.js',
      '__snapshots__/snapshots.test.js.snap',
      '__snapshots__/forms.test.js.snap',
    ])
      expect(readFileSync(join(folders.ours, file), 'utf8')).toBe(readFileSync(join(folders.plain, file), 'utf8'));
  });
}

describe('options', () => {
  const cases: Record<string, readonly string[]> = {
    'a name pattern': ['-t', 'concurrent|letter'],
    'a shard': ['--shard=1/2'],
    workers: ['--maxWorkers=2'],
    'worker threads': ['--maxWorkers=2', '--workerThreads'],
    'random order': ['--randomize', '--seed=7'],
    'fake timers everywhere': ['--fakeTimers={"enableGlobally":true}', 'only', 'snapshots', 'globals'],
    'legacy fake timers everywhere': [
      '--fakeTimers={"enableGlobally":true,"legacyFakeTimers":true}',
      'only',
      'globals',
    ],
    'no injected globals': ['--injectGlobals=false', 'globals'],
    'resetting modules and mocks': ['--resetModules', '--resetMocks', '--restoreMocks', 'mocks', 'only'],
    bail: ['-i', '--bail=1', 'forms'],
    'only collecting': ['--collectTests'],
  };
  for (const [name, args] of Object.entries(cases)) {
    test(name, async () => {
      const { plain, ours, folders } = await both(args);
      expect(plain.json.testResults.length, plain.output).toBeGreaterThan(0);
      expect(comparable(ours, folders.ours)).toEqual(comparable(plain, folders.plain));
      expect(ours.code).toBe(plain.code);
    });
  }
});

for (const provider of ['babel', 'v8']) {
  test(`coverage by ${provider}`, async () => {
    const args = [
      '--coverage',
      `--coverageProvider=${provider}`,
      '--coverageReporters=json-summary',
      '--coverageReporters=json',
      'mocks',
    ];
    const { plain, ours, folders } = await both(args);
    const summary = (folder: string) =>
      Object.values(JSON.parse(readFileSync(join(folder, 'coverage/coverage-summary.json'), 'utf8')));
    expect(summary(folders.ours)).toEqual(summary(folders.plain));
    expect(ours.code).toBe(plain.code);
  });
}

test('open handles are found, and ours are none', async () => {
  const files = {
    'handle.test.js': `test('leaves a server', () => { require('node:http').createServer().listen(0, '127.0.0.1').unref(); setTimeout(() => {}, 300); });`,
  };
  const { plain, ours } = await both(['--detectOpenHandles', 'handle'], {}, files);
  const handles = ({ output }: JestRun) =>
    /Jest has detected the following[\s\S]*/.exec(output)?.[0].match(/●.*/g) ?? [];
  expect(handles(ours)).toEqual(handles(plain));
  expect(ours.code).toBe(plain.code);
});
