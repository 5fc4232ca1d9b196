/** What exactly is to be started for a service, as its config and the addresses of this worker say. */
import { existsSync, statSync } from 'node:fs';
import { dirname, isAbsolute, relative, resolve } from 'node:path';
import { QaError } from '../../bindings/core/errors.ts';
import type { Readiness, ServiceSpec } from '../../servers/services/spec.ts';
import type { CommandService } from '../config/services.ts';
import { checkEnv, inherited, withoutPorts } from './environment.ts';
import { evaluate, type Reads, type Sight } from './tracked.ts';

export interface Plan {
  spec: ServiceSpec;
  reads: Reads;
}

export interface Planning {
  sight: Sight;
  runner: 'jest' | 'vitest';
  baseDir: string;
  worker: string;
  /** Whether each worker has this connection, or service, of its own. */
  isOfWorker(name: string): boolean;
  isWatching: boolean;
}

const START_TIMEOUT = 60_000;

/** @throws QaError QA_CONFIG */
export async function planOf(definition: CommandService, planning: Planning): Promise<Plan> {
  const { sight, runner, baseDir, worker, isOfWorker, isWatching } = planning;
  const { name } = sight;
  const { command, env, startTimeout = START_TIMEOUT, scope = 'run' } = definition;
  const reads: Reads = { connections: new Set(), services: new Set(), ports: [] };
  const given = typeof env === 'function' ? await evaluate((qa) => env(qa as never), reads, sight) : (env ?? {});
  const own = checkEnv(name, given);
  const isEach = scope !== 'run' || [...reads.connections, ...reads.services].some(isOfWorker);
  const cwd = folderOf(name, definition.cwd, baseDir);
  const url = urlOf(definition, reads.ports, own);
  const { ports } = reads;
  const port = ports[0] ?? portOf(own);
  const all = Object.entries({ ...inherited(runner), ...own }).filter(([, value]) => value !== undefined);
  const spec: ServiceSpec = {
    name,
    slot: isEach ? `${name} of worker ${worker}` : name,
    isOfFile: scope === 'file',
    command,
    cwd,
    env: Object.fromEntries(all) as Record<string, string>,
    own: withoutPorts(own, ports),
    ports,
    ...(url === undefined ? {} : { url }),
    ...(port === undefined ? {} : { port }),
    ready: readinessOf(name, definition.ready, { url, port }),
    startTimeout,
    watch: isWatching ? watched(definition, cwd) : [],
  };
  return { spec, reads };
}

function folderOf(name: string, cwd: string | undefined, baseDir: string): string {
  const folder = resolve(baseDir, cwd ?? '.');
  if (statSync(folder, { throwIfNoEntry: false })?.isDirectory()) return folder;
  throw new QaError('QA_CONFIG', {
    what: `\`services.${name}.cwd\` is no folder: ${folder}`,
    mend: `Correct it; relative paths start from ${baseDir}`,
  });
}

type Own = Readonly<Record<string, string | undefined>>;

function urlOf({ url }: CommandService, ports: readonly number[], own: Own): string | undefined {
  if (typeof url === 'string') return url;
  const port = ports[0] ?? portOf(own);
  if (port === undefined) return undefined;
  return url ? url(port) : `http://127.0.0.1:${port}`;
}

function portOf({ PORT }: Own): number | undefined {
  return PORT !== undefined && /^[1-9]\d{0,4}$/.test(PORT) ? Number(PORT) : undefined;
}

function readinessOf(
  name: string,
  ready: CommandService['ready'],
  { url, port }: { url: string | undefined; port: number | undefined },
): Readiness {
  if (ready === undefined) return { by: port === undefined ? 'none' : 'port' };
  if (typeof ready === 'function') return { by: 'judge' };
  if (typeof ready !== 'string') return { by: 'pattern', source: ready.source, flags: ready.flags };
  if (/^https?:\/\//.test(ready)) return { by: 'http', address: ready };
  if (!ready.startsWith('/')) return { by: 'text', text: ready };
  if (url !== undefined) return { by: 'http', address: url.replace(/\/$/, '') + ready };
  throw new QaError('QA_CONFIG', {
    what: `\`services.${name}.ready\` is a path, but the service has no address to ask`,
    mend: 'Let its `env` take a port (`PORT: String(qa.port())`), or give it a `url`',
  });
}

/** What the command names: a file in a folder below `cwd` stands for all of that folder. */
function watched({ watch, command }: CommandService, cwd: string): string[] {
  if (watch) return watch.map((path) => resolve(cwd, path));
  const words = typeof command === 'string' ? command.split(/\s+/) : command;
  const named = words.map((word) => resolve(cwd, word)).filter((path) => isBelow(path, cwd) && existsSync(path));
  return named.map((path) => {
    const isSource = !/\.(jar|exe)$/.test(path) && /\.\w+$/.test(path);
    return isSource && isBelow(dirname(path), cwd) ? dirname(path) : path;
  });
}

function isBelow(path: string, folder: string): boolean {
  const way = relative(folder, path);
  return way !== '' && !way.startsWith('..') && !isAbsolute(way);
}
