/** The connections that a config begins with: what compose files and drivers show, else a database of the run's own. */
import type { ComposeService, ServiceKind, Value } from './compose.ts';
import type { Facts } from './facts.ts';

export interface Planned {
  /** `db` */
  readonly name: string;
  readonly kind: ServiceKind;
  /** What it says in the config: `postgres({ … })`. */
  readonly code: string;
  /** Another way to it, in the stand `compose`. */
  readonly inCompose?: string;
  /** Where it comes from, a comment. */
  readonly seen: string;
  /** The service that must run before its tests. */
  readonly service?: string;
}

/** What each is called in tests when there is one of its kind. */
const NAMES: Readonly<Record<ServiceKind, string>> = {
  postgres: 'db',
  redis: 'cache',
  valkey: 'cache',
  dragonfly: 'cache',
  kafka: 'kafka',
  cassandra: 'cassandra',
  aerospike: 'aerospike',
  vault: 'vault',
};

/** npm packages that show what a project uses, and a connection to where such a server is by default. */
const DRIVERS: readonly (readonly [packages: readonly string[], kind: ServiceKind, code: string])[] = [
  [['pg', 'postgres', '@types/pg'], 'postgres', 'postgres({ server: embedded() })'],
  [['ioredis', 'redis'], 'redis', "redis({ url: fromEnv('REDIS_URL', 'redis://127.0.0.1:6379') })"],
  [
    ['kafkajs', '@confluentinc/kafka-javascript'],
    'kafka',
    "kafka({ brokers: fromEnv('KAFKA_BROKERS', '127.0.0.1:9092') })",
  ],
  [
    ['cassandra-driver'],
    'cassandra',
    "cassandra({ contactPoints: fromEnv('CASSANDRA_CONTACT_POINTS', '127.0.0.1:9042'), localDataCenter: 'datacenter1' })",
  ],
  [['aerospike'], 'aerospike', "aerospike({ hosts: fromEnv('AEROSPIKE_HOSTS', '127.0.0.1:3000'), namespace: 'test' })"],
  [['node-vault'], 'vault', "vault({ address: fromEnv('VAULT_ADDR', 'http://127.0.0.1:8200') })"],
];

const CACHES: readonly ServiceKind[] = ['redis', 'valkey', 'dragonfly'];

export function planConnections({ services, dependencies, schema }: Facts): Planned[] {
  const planned = services.flatMap((service): Planned[] => {
    const code = codeOf(service);
    if (code === undefined) return [];
    const seen = `Of ${service.file}: ${service.name}.`;
    const name = nameFor(service, services);
    if (service.kind !== 'postgres') return [{ name, kind: service.kind, code, seen, service: service.name }];
    // Of its own, so that it is there at once and may be reset; what compose starts is one variable away.
    return [{ name, kind: 'postgres', code: throwaway(schema), inCompose: code, seen }];
  });
  const has = (kind: ServiceKind) =>
    planned.some((one) => one.kind === kind || (CACHES.includes(one.kind) && CACHES.includes(kind)));
  for (const [packages, kind, code] of DRIVERS) {
    const found = packages.find((name) => dependencies.has(name));
    if (found === undefined || has(kind)) continue;
    const written = kind === 'postgres' ? throwaway(schema) : code;
    planned.push({ name: NAMES[kind], kind, code: written, seen: `Of package.json: ${found}.` });
  }
  if (planned.length > 0) return planned;
  return [
    {
      name: 'db',
      kind: 'postgres',
      code: throwaway(schema),
      seen: "Nothing was found that a connection could lead to: a database of the run's own.",
    },
  ];
}

/** Services that a config cannot lead to, in words. */
export function leftOut({ services }: Facts): string[] {
  return services
    .filter((service) => codeOf(service) === undefined)
    .map(({ file, name }) => `${file}, service ${name}: it publishes no port, so nothing here can reach it`);
}

function throwaway(schema: string | undefined): string {
  return schema === undefined
    ? 'postgres({ server: embedded() })'
    : `postgres({ server: embedded({ schema: '${schema}' }) })`;
}

/** undefined: it cannot be reached. */
function codeOf({ kind, address, env, password }: ComposeService): string | undefined {
  if (address === undefined) return undefined;
  const { host } = address;
  const place = `${host}:${textOf(address.port)}`;
  const hostPort = [`host: ${quote(host)}`, `port: ${number(address.port)}`];
  const secret = password === undefined ? [] : [`password: fromEnv(${quote(password)})`];
  switch (kind) {
    case 'postgres': {
      const user = env.POSTGRES_USER ?? env.POSTGRESQL_USERNAME ?? 'postgres';
      const database = env.POSTGRES_DB ?? env.POSTGRESQL_DATABASE ?? user;
      return call(kind, [...hostPort, `user: ${write(user)}`, ...secret, `database: ${write(database)}`]);
    }
    case 'redis':
    case 'valkey':
    case 'dragonfly':
      return call(kind, [...hostPort, ...secret]);
    case 'kafka':
      return call(kind, [`brokers: [${quote(place)}]`]);
    case 'cassandra': {
      const user = env.CASSANDRA_USER === undefined ? [] : [`user: ${write(env.CASSANDRA_USER)}`];
      const centre = env.CASSANDRA_DC ?? 'datacenter1';
      return call(kind, [`contactPoints: ${quote(place)}`, `localDataCenter: ${write(centre)}`, ...user, ...secret]);
    }
    case 'aerospike':
      return call(kind, [`hosts: ${quote(place)}`, `namespace: ${write(env.NAMESPACE ?? 'test')}`]);
    case 'vault': {
      const auth = password === undefined ? [] : [`auth: { token: fromEnv(${quote(password)}) }`];
      return call(kind, [`address: ${quote(`http://${place}`)}`, ...auth]);
    }
  }
}

function call(kind: ServiceKind, options: readonly string[]): string {
  return `${kind}({ ${options.join(', ')} })`;
}

/** `db`; of several of a kind what compose calls it. */
function nameFor(service: ComposeService, all: readonly ComposeService[]): string {
  const rivals = all.filter(({ kind }) => NAMES[kind] === NAMES[service.kind]);
  if (rivals.length === 1) return NAMES[service.kind];
  const camel = service.name.replace(/[^A-Za-z0-9]+(.)?/g, (_, next: string | undefined) => next?.toUpperCase() ?? '');
  return /^[A-Za-z]/.test(camel) ? camel : `${NAMES[service.kind]}${camel}`;
}

function write(value: Value): string {
  if (typeof value === 'string') return quote(value);
  const { variable, fallback } = value;
  return fallback === undefined ? `fromEnv(${quote(variable)})` : `fromEnv(${quote(variable)}, ${quote(fallback)})`;
}

function number(value: Value): string {
  return typeof value === 'string' ? String(Number(value)) : write(value);
}

/** Where only a text will do. */
function textOf(value: Value): string {
  return typeof value === 'string' ? value : (value.fallback ?? '');
}

function quote(text: string): string {
  return `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'").replaceAll('\n', '\\n')}'`;
}
