/** What `qa init` sees in a project without asking. Reads only. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { installedManifest } from '../manifest.ts';
import { type ComposeService, composeServices } from './compose.ts';

export type Runner = 'jest' | 'vitest';
export type PackageManager = 'npm' | 'pnpm' | 'yarn' | 'bun';

export interface Facts {
  readonly folder: string;
  /** In the folder's own package.json, or beside or above it. */
  readonly runners: readonly Runner[];
  readonly isTypeScript: boolean;
  readonly isEsm: boolean;
  readonly manager: PackageManager;
  /** Names of all packages that the project names as its own. */
  readonly dependencies: ReadonlySet<string>;
  /** Those that can be loaded from here. */
  isInstalled(name: string): boolean;
  /** The config that is there already. */
  readonly config: string | undefined;
  /** Of each runner its config, as a path, or `package.json`. */
  readonly runnerConfigs: Readonly<Partial<Record<Runner, RunnerConfig>>>;
  readonly tsconfig: string | undefined;
  readonly services: readonly ComposeService[];
  /** Folder for tests: `test`, `tests` or `__tests__`. */
  readonly tests: string;
  /** SQL that may fill a database: `schema.sql`, `migrations`. */
  readonly schema: string | undefined;
}

export interface RunnerConfig {
  /** From the folder. */
  readonly path: string;
  readonly text: string;
}

/** package.json as far as it is looked at. */
export interface ProjectManifest {
  type?: string;
  packageManager?: string;
  jest?: unknown;
  dependencies?: Record<string, string>;
  devDependencies?: Record<string, string>;
  peerDependencies?: Record<string, string>;
  optionalDependencies?: Record<string, string>;
}

const EXTENSIONS = ['ts', 'mts', 'cts', 'js', 'mjs', 'cjs'] as const;
const LOCKS: readonly (readonly [file: string, manager: PackageManager])[] = [
  ['pnpm-lock.yaml', 'pnpm'],
  ['yarn.lock', 'yarn'],
  ['bun.lock', 'bun'],
  ['bun.lockb', 'bun'],
  ['package-lock.json', 'npm'],
];

/** @param manifest of the folder */
export function lookAt(folder: string, manifest: ProjectManifest): Facts {
  const above = foldersOfProject(folder);
  const dependencies = new Set(
    [manifest.dependencies, manifest.devDependencies, manifest.peerDependencies, manifest.optionalDependencies].flatMap(
      (group) => Object.keys(group ?? {}),
    ),
  );
  const first = (names: readonly string[]) => names.find((name) => existsSync(join(folder, name)));
  const configOf = (names: readonly string[]): RunnerConfig | undefined => {
    const path = first(names);
    return path === undefined ? undefined : { path, text: readFileSync(join(folder, path), 'utf8') };
  };
  const inManifest =
    manifest.jest === undefined ? undefined : { path: 'package.json', text: JSON.stringify(manifest.jest) };
  const jest =
    configOf([...EXTENSIONS.map((extension) => `jest.config.${extension}`), 'jest.config.json']) ?? inManifest;
  const vitest =
    configOf(EXTENSIONS.map((extension) => `vitest.config.${extension}`)) ??
    viteConfigOfTests(configOf(EXTENSIONS.map((extension) => `vite.config.${extension}`)));
  const isInstalled = (name: string) => installedManifest(name, folder) !== undefined;
  const named = (runner: Runner) => dependencies.has(runner);
  const installed = (['jest', 'vitest'] as const).filter((runner) => isInstalled(runner));
  const own = (['jest', 'vitest'] as const).filter((runner) => named(runner) || { jest, vitest }[runner] !== undefined);
  const tsconfig = above.map((at) => join(at, 'tsconfig.json')).find((file) => existsSync(file));
  return {
    folder,
    // What a workspace shares counts where the folder says nothing itself.
    runners: own.length > 0 ? own : installed,
    isTypeScript: tsconfig !== undefined || dependencies.has('typescript'),
    isEsm: manifest.type === 'module',
    manager: managerOf(above),
    dependencies,
    isInstalled,
    config: first(EXTENSIONS.filter((extension) => extension !== 'cts').map((extension) => `qa.config.${extension}`)),
    runnerConfigs: { ...(jest && { jest }), ...(vitest && { vitest }) },
    tsconfig: tsconfig === undefined ? undefined : relative(folder, tsconfig),
    services: composeServices(folder, above),
    tests: first(['tests', 'test', '__tests__']) ?? 'tests',
    schema: schemaIn(folder),
  };
}

/** A Vite project may test with it and say so there; one that does not is no config of tests. */
function viteConfigOfTests(config: RunnerConfig | undefined): RunnerConfig | undefined {
  return config !== undefined && /\btest\s*:|vitest/.test(config.text) ? config : undefined;
}

/** The folder and those above it, as far as its repository or workspace goes. */
function foldersOfProject(folder: string): string[] {
  const found: string[] = [];
  for (let at = folder; ; at = dirname(at)) {
    found.push(at);
    if (existsSync(join(at, '.git')) || existsSync(join(at, 'pnpm-workspace.yaml')) || isWorkspace(at)) return found;
    if (at === dirname(at)) return [folder];
  }
}

function isWorkspace(folder: string): boolean {
  const manifest = readManifest(folder) as { workspaces?: unknown } | undefined;
  return manifest?.workspaces !== undefined;
}

/** undefined: there is none, or it is no JSON. */
export function readManifest(folder: string): ProjectManifest | undefined {
  try {
    return JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as ProjectManifest;
  } catch {
    // Whoever needs it says so.
    return undefined;
  }
}

function managerOf(above: readonly string[]): PackageManager {
  for (const at of above) {
    const named = /^(npm|pnpm|yarn|bun)@/.exec(readManifest(at)?.packageManager ?? '')?.[1];
    if (named !== undefined) return named as PackageManager;
    const lock = LOCKS.find(([file]) => existsSync(join(at, file)));
    if (lock !== undefined) return lock[1];
  }
  const agent = /^(npm|pnpm|yarn|bun)\//.exec(process.env.npm_config_user_agent ?? '')?.[1];
  return (agent as PackageManager | undefined) ?? 'npm';
}

function schemaIn(folder: string): string | undefined {
  for (const path of ['schema.sql', 'db/schema.sql', 'sql/schema.sql', 'migrations', 'db/migrations']) {
    const full = join(folder, path);
    if (!existsSync(full)) continue;
    if (path.endsWith('.sql') || readdirSync(full).some((file) => file.endsWith('.sql'))) return `./${path}`;
  }
  return undefined;
}
