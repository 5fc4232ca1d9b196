/** Services of compose files that a connection can lead to: where they listen, and as whom. No password is read. */
import { existsSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { load } from 'js-yaml';

export type ServiceKind = 'postgres' | 'redis' | 'valkey' | 'dragonfly' | 'kafka' | 'cassandra' | 'aerospike' | 'vault';

export interface ComposeService {
  /** From the folder: `../compose.yml`. */
  readonly file: string;
  readonly name: string;
  readonly kind: ServiceKind;
  /** Where it can be reached from this machine; undefined: it publishes no port, or one that changes. */
  readonly address: { readonly host: string; readonly port: Value } | undefined;
  /** Its environment as it is written. */
  readonly env: Readonly<Record<string, Value>>;
  /** Name of the variable that holds the password; undefined: it needs none. */
  readonly password: string | undefined;
}

/** A text, or a variable of the environment with what it is where it is not set. */
export type Value = string | { readonly variable: string; readonly fallback: string | undefined };

const FILES = ['compose.yaml', 'compose.yml', 'docker-compose.yaml', 'docker-compose.yml'];

/** By what an image's name has in it, after its registry. */
const IMAGES: readonly (readonly [pattern: RegExp, kind: ServiceKind, port: number])[] = [
  [/(^|[/-])(postgres|postgresql|postgis|timescaledb|pgvector)([:@-]|$)/, 'postgres', 5432],
  [/(^|\/)dragonfly([:@]|$)/, 'dragonfly', 6379],
  [/(^|\/)valkey(-bundle)?([:@]|$)/, 'valkey', 6379],
  [/(^|\/)redis(-stack(-server)?)?([:@]|$)/, 'redis', 6379],
  [/(^|\/)(kafka|cp-kafka|kafka-native|redpanda|cp-server)([:@]|$)/, 'kafka', 9092],
  [/(^|\/)cassandra([:@]|$)/, 'cassandra', 9042],
  [/aerospike-server/, 'aerospike', 3000],
  [/(^|\/)(vault|openbao)([:@]|$)/, 'vault', 8200],
];

/** What stands beside a database and is named after it. */
const BESIDE = /exporter|backup|operator|admin|-ui\b/;

/** Of the nearest folder that has such a file. */
export function composeServices(folder: string, above: readonly string[]): ComposeService[] {
  const file = above.flatMap((at) => FILES.map((name) => join(at, name))).find((path) => existsSync(path));
  if (file === undefined) return [];
  const services = servicesOf(file);
  return Object.entries(services).flatMap(([name, service]) => {
    const image = String(service.image ?? '');
    const found = IMAGES.find(([pattern]) => pattern.test(image));
    if (found === undefined || BESIDE.test(image)) return [];
    const [, kind, port] = found;
    const env = environmentOf(service.environment);
    const password = passwordOf(kind, service, env);
    return [{ file: relative(folder, file), name, kind, address: addressOf(service.ports, port), env, password }];
  });
}

interface RawService {
  image?: unknown;
  ports?: unknown;
  environment?: unknown;
  command?: unknown;
}

function servicesOf(file: string): Record<string, RawService> {
  let content: unknown;
  try {
    content = load(readFileSync(file, 'utf8'));
  } catch (error) {
    throw new Error(`${file} is no YAML: ${(error as Error).message.split('\n')[0]}`);
  }
  const services = isRecord(content) && isRecord(content.services) ? content.services : {};
  return Object.fromEntries(
    Object.entries(services).flatMap(([name, service]) => (isRecord(service) ? [[name, service as RawService]] : [])),
  );
}

/** A map, or a list of `NAME=value`. */
function environmentOf(given: unknown): Record<string, Value> {
  const entries = Array.isArray(given)
    ? given.map((line) => /^([^=]+)=?(.*)$/s.exec(String(line))?.slice(1, 3) ?? [])
    : Object.entries(isRecord(given) ? given : {});
  return Object.fromEntries(entries.filter(([key]) => key).map(([key, value]) => [key, written(value)]));
}

/** `5432:5432`, `127.0.0.1:${PORT:-5433}:5432/tcp`, `{ target, published }`; of several the one that leads to `wanted`. */
function addressOf(given: unknown, wanted: number): ComposeService['address'] {
  const ports = (Array.isArray(given) ? given : []).flatMap((port) => {
    if (isRecord(port)) {
      const { target, published, host_ip: host } = port;
      return published === undefined ? [] : [{ host, published: String(published), target: Number(target) }];
    }
    const match = /^(?:(\[[^\]]+\]|[\d.]+):)?(\$\{[^}]+\}|\d+):(\d+)(?:\/tcp)?$/.exec(String(port));
    return match ? [{ host: match[1], published: match[2]!, target: Number(match[3]) }] : [];
  });
  // A broker may listen for this machine elsewhere than on its usual port.
  const found = ports.find(({ target }) => target === wanted) ?? ports[0];
  if (found === undefined) return undefined;
  const host = found.host === undefined || found.host === '0.0.0.0' ? '127.0.0.1' : String(found.host);
  return { host, port: written(found.published) };
}

/** The variable that compose reads it from, else the one that the image knows; the value is left where it is. */
function passwordOf(kind: ServiceKind, { command }: RawService, env: Record<string, Value>): string | undefined {
  const names: Partial<Record<ServiceKind, readonly string[]>> = {
    postgres: ['POSTGRES_PASSWORD', 'POSTGRESQL_PASSWORD'],
    redis: ['REDIS_PASSWORD'],
    valkey: ['VALKEY_PASSWORD'],
    dragonfly: ['DFLY_requirepass'],
    cassandra: ['CASSANDRA_PASSWORD'],
    vault: ['VAULT_DEV_ROOT_TOKEN_ID'],
  };
  const name = names[kind]?.find((candidate) => env[candidate] !== undefined);
  if (name !== undefined) return variableOf(env[name]!) ?? (kind === 'vault' ? 'VAULT_TOKEN' : name);
  const line = Array.isArray(command) ? command.join(' ') : String(command ?? '');
  const required = /--requirepass[ =]+(\S+)/.exec(line)?.[1];
  return required === undefined ? undefined : (variableOf(written(required)) ?? `${kind.toUpperCase()}_PASSWORD`);
}

function variableOf(value: Value): string | undefined {
  return typeof value === 'string' ? undefined : value.variable;
}

/** `${NAME}`, `${NAME:-fallback}`, `$NAME`; anything else is the text itself. */
function written(given: unknown): Value {
  const text = given === null || given === undefined ? '' : String(given);
  const match = /^\$(?:(\w+)|\{(\w+)(?::?-([^}]*)|:?\?[^}]*)?\})$/.exec(text);
  if (!match) return text.replaceAll('$$', '$');
  return { variable: (match[1] ?? match[2])!, fallback: match[3] };
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
