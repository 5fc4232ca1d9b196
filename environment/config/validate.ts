/** Checks a config as a whole; every trouble is one error that names the file, the path and the right spelling. */
import { type Connection, isConnection } from '../../bindings/core/connection.ts';
import { QaError } from '../../bindings/core/errors.ts';
import { redactUrl } from '../../bindings/core/redact.ts';
import { didYouMean } from '../../bindings/core/suggest.ts';
import { LEVEL_NAMES } from '../log/levels.ts';
import { RESERVED_NAMES } from '../qa.ts';
import type { QaConfig } from './define.ts';
import { checkDeployed, checkNames, checkService } from './validate-services.ts';

const CHECKS = {
  connections: ['an object of connections', isRecord],
  services: ['an object of services', isRecord],
  stands: ['an object of stands', isRecord],
  tags: ['a list of names', (v) => Array.isArray(v) && v.every((tag) => typeof tag === 'string' && tag !== '')],
  soft: ['true or false', (v) => typeof v === 'boolean'],
  within: ['a number of milliseconds', isDuration],
  openTimeout: ['a number of milliseconds', isDuration],
  resetTimeout: ['a number of milliseconds', isDuration],
  log: ['an object with `file` and `level`', isRecord],
  afterReset: ['a function', (v) => typeof v === 'function'],
} satisfies Record<keyof QaConfig, [expected: string, check: (value: unknown) => boolean]>;

/** @throws QaError QA_CONFIG */
export function validateConfig(config: unknown, file: string): asserts config is QaConfig {
  const fail: Fail = failIn(file);
  if (!isRecord(config) || typeof config.then === 'function')
    fail('', `is ${kindOf(config)}, where the object of \`export default defineConfig({ … })\` is expected`);
  for (const [key, value] of Object.entries(config)) {
    if (!Object.hasOwn(CHECKS, key)) fail(key, `is not known. ${didYouMean(key, Object.keys(CHECKS))}`);
    const [expected, check] = CHECKS[key as keyof typeof CHECKS];
    if (value !== undefined && !check(value)) fail(key, `is ${kindOf(value)}, expected ${expected}`);
  }
  if (config.log !== undefined) checkLog(config.log as Record<string, unknown>, fail);
  if (config.connections === undefined) fail('connections', 'is missing, expected an object of connections');
  const connections = config.connections as Record<string, unknown>;
  for (const [name, value] of Object.entries(connections)) checkConnection(name, value, `connections.${name}`, fail);
  const services = Object.keys((config.services ?? {}) as object);
  checkNames(services, Object.keys(connections));
  for (const name of services) checkService(`services.${name}`, (config.services as Record<string, unknown>)[name]);
  for (const [stand, value] of Object.entries((config.stands ?? {}) as Record<string, unknown>)) {
    const path = `stands.${stand}`;
    if (!isRecord(value)) fail(path, `is ${kindOf(value)}, expected an object with \`connections\``);
    for (const key of Object.keys(value)) {
      if (key !== 'connections' && key !== 'services')
        fail(`${path}.${key}`, `is not known. ${didYouMean(key, ['connections', 'services'])}`);
    }
    if (!isRecord(value.connections))
      fail(`${path}.connections`, `is ${kindOf(value.connections)}, expected an object`);
    for (const [name, connection] of Object.entries(value.connections)) {
      const at = `${path}.connections.${name}`;
      checkConnection(name, connection, at, fail);
      const base = connections[name];
      if (base === undefined) fail(at, `replaces no connection. ${didYouMean(name, Object.keys(connections))}`);
      const kinds = [(base as Connection).binding.kind, (connection as Connection).binding.kind];
      if (kinds[0] !== kinds[1])
        fail(at, `is of kind \`${kinds[1]}\`, but the connection it replaces is \`${kinds[0]}\``);
    }
    if (value.services !== undefined && !isRecord(value.services))
      fail(`${path}.services`, `is ${kindOf(value.services)}, expected an object`);
    for (const [name, service] of Object.entries(value.services ?? {})) {
      const at = `${path}.services.${name}`;
      if (!services.includes(name)) fail(at, `replaces no service. ${didYouMean(name, services)}`);
      checkDeployed(at, service);
    }
  }
}

function checkLog(log: Record<string, unknown>, fail: Fail): void {
  for (const key of Object.keys(log))
    if (!['file', 'level'].includes(key)) fail(`log.${key}`, `is not known. ${didYouMean(key, ['file', 'level'])}`);
  const { file, level } = log;
  if (file !== undefined && (typeof file !== 'string' || file === ''))
    fail('log.file', `is ${kindOf(file)}, expected the path of a file`);
  if (level !== undefined && !LEVEL_NAMES.includes(level as string))
    fail('log.level', `is ${kindOf(level)}. ${didYouMean(String(level), LEVEL_NAMES)}`);
}

function checkConnection(name: string, value: unknown, path: string, fail: Fail): void {
  if (RESERVED_NAMES.has(name))
    fail(path, `cannot have this name: \`qa.${name}\` is used by qa itself. Choose another, for example \`${name}Db\``);
  if (!/^[A-Za-z_$][\w$]*$/.test(name)) fail(path, 'is no name that can be written as `qa.<name>`');
  if (!isConnection(value)) fail(path, `is ${kindOf(value)}, expected a connection such as \`postgres({ … })\``);
}

type Fail = (path: string, what: string) => never;

function failIn(file: string): Fail {
  return (path, what) => {
    throw new QaError('QA_CONFIG', {
      what: `${file}: ${path === '' ? 'the default export' : `\`${path}\``} ${what}`,
      mend: 'Correct the config and run again',
    });
  };
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isDuration(value: unknown): boolean {
  return typeof value === 'number' && value >= 0 && !Number.isNaN(value);
}

function kindOf(value: unknown): string {
  if (value === undefined) return 'missing';
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'a list';
  if (isRecord(value) && typeof value.then === 'function') return 'a promise';
  if (typeof value === 'string') return `the text '${redactUrl(value)}'`;
  if (typeof value === 'number' || typeof value === 'boolean') return `\`${value}\``;
  return typeof value === 'object' ? 'an object' : `a ${typeof value}`;
}
