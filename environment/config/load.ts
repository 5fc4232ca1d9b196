/** Finds, loads and checks the config; once a process. */
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { QaError } from '../../bindings/core/errors.ts';
import { didYouMean } from '../../bindings/core/suggest.ts';
import type { QaConfig, Stand } from './define.ts';
import { validateConfig } from './validate.ts';

const NAMES = ['ts', 'mts', 'js', 'mjs', 'cjs'].map((extension) => `qa.config.${extension}`);

export interface LoadedConfig extends QaConfig {
  /** Absolute path of the file. */
  readonly file: string;
  /** The folder that relative paths start from. */
  readonly baseDir: string;
  /** Name of the stand in force. */
  readonly stand: string | undefined;
}

/** Gives the default export of a file. */
export type ConfigImporter = (file: string) => Promise<unknown>;

const loaded = new Map<string, Promise<LoadedConfig>>();

/**
 * @param root the runner's root folder
 * @param importer for runners with modules of their own, where ours cannot compile a config
 * @throws QaError QA_CONFIG
 */
export async function loadConfig(
  root: string,
  env: NodeJS.ProcessEnv = process.env,
  importer: ConfigImporter = importDefault,
): Promise<LoadedConfig> {
  const file = findConfig(root);
  const stand = env.QA_STAND || undefined;
  const key = `${file}\0${stand ?? ''}`;
  let promise = loaded.get(key);
  if (!promise) {
    promise = load(file, stand, importer);
    loaded.set(key, promise);
  }
  return promise;
}

/** The config's path. @throws QaError QA_CONFIG when there is none */
export function findConfig(root: string): string {
  const found = NAMES.map((name) => join(root, name)).filter((path) => existsSync(path));
  if (found[0] === undefined) {
    throw new QaError('QA_CONFIG', {
      what: `There is no config in ${root} (looked for ${NAMES.join(', ')})`,
      mend: "Run `npx qa init`, or write qa.config.ts beside the runner's config: export default defineConfig({ connections: { … } })",
    });
  }
  if (found.length > 1) {
    throw new QaError('QA_CONFIG', {
      what: `There are ${found.length} configs in ${root}: ${found.map((path) => path.slice(root.length + 1)).join(', ')}`,
      mend: 'Keep one of them',
    });
  }
  return found[0];
}

async function load(file: string, stand: string | undefined, importer: ConfigImporter): Promise<LoadedConfig> {
  let config: unknown;
  try {
    config = await importer(file);
  } catch (cause) {
    throw new QaError('QA_CONFIG', {
      what: `${file} could not be loaded: ${cause instanceof Error ? cause.message : String(cause)}`,
      mend: 'Mend what the file (or what it imports) throws; its own stack is the cause of this error',
      cause,
    });
  }
  validateConfig(config, file);
  const chosen = standOf(config, stand, file);
  return {
    ...config,
    connections: { ...config.connections, ...chosen?.connections },
    services: { ...config.services, ...chosen?.services },
    file,
    baseDir: dirname(file),
    stand,
  };
}

async function importDefault(file: string): Promise<unknown> {
  if (/\.[cm]js$/.test(file)) return ((await import(pathToFileURL(file).href)) as { default: unknown }).default;
  // Node could load the others itself, but warns where package.json has no `type`, and refuses some of TypeScript.
  const { createJiti } = await import('jiti');
  return createJiti(file, { tryNative: false }).import(file, { default: true });
}

function standOf(config: QaConfig, stand: string | undefined, file: string): Stand | undefined {
  if (stand === undefined) return undefined;
  const stands = config.stands ?? {};
  const chosen = stands[stand];
  if (chosen !== undefined) return chosen;
  throw new QaError('QA_CONFIG', {
    what: `QA_STAND is '${stand}', but ${file} has no such stand. ${didYouMean(stand, Object.keys(stands))}`,
    mend: 'Correct QA_STAND, or unset it to use the connections as they stand in the config',
  });
}
