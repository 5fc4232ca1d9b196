/** The pool of connections: opened with one, closed within a bound. */
import { Socket } from 'node:net';
import type pg from 'pg';
import type { Scope } from '../../core/binding.ts';
import { QaError } from '../../core/errors.ts';
import { nearest } from '../../core/suggest.ts';
import { printAddress } from './address.ts';
import { asksForTicket, connectionError, type Place } from './errors.ts';
import type { ParsedOptions } from './options.ts';
import { rememberListeners } from './renew.ts';

export type Driver = typeof pg;

/** Sockets of each pool that are open: what is left of them at the end is destroyed. */
const sockets = new WeakMap<pg.Pool, Set<Socket>>();

/** Time for clients that are in use to come back when the pool closes, ms. */
const DRAIN = 250;

/** @throws QaError that says why it could not be opened */
export async function openPool(options: ParsedOptions, scope: Scope): Promise<pg.Pool> {
  const driver = (await scope.driver()) as Driver;
  const { address } = options;
  if (!address) {
    throw new QaError('QA_CONFIG', {
      what: 'The connection has no address: its server has not been started',
      mend: 'Give `url`, or `host`, or `server: embedded()`',
      connection: scope.connection,
    });
  }
  const open = new Set<Socket>();
  const pool = new driver.Pool(poolConfig(options, scope, open));
  sockets.set(pool, open);
  // An idle connection that breaks is taken out by the pool and the next use opens another; a broken one in use
  // rejects its statement. Without listeners either event would end the whole process.
  pool.on('error', (error) => scope.log.warn({ error }, 'an idle connection broke'));
  pool.on('connect', (client) => {
    client.on('error', () => {});
    rememberListeners(client);
  });
  rememberListeners(pool);

  const giveUp = () => destroyAll(pool);
  scope.signal.addEventListener('abort', giveUp, { once: true });
  try {
    scope.signal.throwIfAborted();
    const client = await pool.connect();
    client.release();
    return pool;
  } catch (error) {
    await closePool(pool);
    if (scope.signal.aborted) throw scope.signal.reason;
    const place = placeOf(options, scope);
    const told = connectionError(error, place) ?? unforeseen(error, place);
    throw (error as { code?: string }).code === '3D000' ? await nameDatabases(told, driver, options, place) : told;
  } finally {
    scope.signal.removeEventListener('abort', giveUp);
  }
}

/** Idempotent; a client that a test never gave back is cut off. */
export async function closePool(pool: pg.Pool): Promise<void> {
  if (pool.ended) return;
  let timer: NodeJS.Timeout | undefined;
  const patience = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, DRAIN);
  });
  const end = pool.ending ? Promise.resolve() : pool.end();
  await Promise.race([end, patience]);
  clearTimeout(timer);
  destroyAll(pool);
}

export function placeOf(options: ParsedOptions, scope: Scope): Place {
  const { address } = options;
  return {
    connection: scope.connection,
    address: address ? printAddress(address) : '',
    host: address?.host,
    database: address?.database ?? address?.user,
    user: address?.user,
    redact: (text) => scope.redactor.redact(text),
  };
}

function poolConfig(options: ParsedOptions, scope: Scope, open: Set<Socket>): pg.PoolConfig {
  const { address, pool = {}, schema } = options;
  const { host, port, user, password, database, url, hasParameters } = address!;
  const { run, worker } = scope.namespace;
  const stream = () => {
    const socket = new GuardedSocket();
    open.add(socket);
    socket.once('close', () => open.delete(socket));
    return socket;
  };
  const config: pg.PoolConfig = {
    host,
    port,
    ...(user === undefined ? {} : { user }),
    ...(password === undefined ? {} : { password }),
    ...(database === undefined ? {} : { database }),
    ...(options.ssl === undefined ? {} : { ssl: options.ssl as pg.PoolConfig['ssl'] & object }),
    ...(options.statementTimeout === undefined ? {} : { statement_timeout: options.statementTimeout }),
    ...(schema === undefined ? {} : { options: `-c search_path=${schema.map(escapeOption).join(',')}` }),
    application_name: options.applicationName ?? `qa ${run} w${worker}`,
    connectionTimeoutMillis: options.connectTimeout ?? 10_000,
    max: pool.max ?? 10,
    idleTimeoutMillis: pool.idleTimeout ?? 10_000,
    ...(pool.maxLifetime === undefined ? {} : { maxLifetimeSeconds: pool.maxLifetime / 1000 }),
    // An in-band run of Jest ends when nothing is left that keeps the process alive.
    allowExitOnIdle: true,
    stream,
  };
  if (hasParameters) Object.defineProperty(config, 'connectionString', { value: url, enumerable: false });
  return config;
}

/**
 * What asks for a ticket (GSSAPI, SSPI) makes pg's parser throw where nobody can catch it, which would end the process:
 * here it is the connection's error.
 */
class GuardedSocket extends Socket {
  override emit(event: string | symbol, ...args: unknown[]): boolean {
    if (event !== 'data') return super.emit(event, ...args);
    try {
      return super.emit(event, ...args);
    } catch (error) {
      if (!asksForTicket(error)) throw error;
      this.destroy(error as Error);
      return true;
    }
  }
}

/** A schema's name, quoted for SQL, then escaped for the `options` of a connection. */
function escapeOption(name: string): string {
  const quoted = name === '$user' || /^[a-z_][a-z0-9_]*$/.test(name) ? name : `"${name.replaceAll('"', '""')}"`;
  return quoted.replace(/[\\ ]/g, '\\$&');
}

function destroyAll(pool: pg.Pool): void {
  for (const socket of sockets.get(pool) ?? []) socket.destroy();
}

function unforeseen(cause: unknown, { connection, address, redact }: Place): QaError {
  return new QaError('QA_CONNECTION_LOST', {
    what: `The connection could not be opened: ${redact((cause as Error).message)}`,
    mend: 'See to the server, or correct the address',
    connection,
    address,
    cause,
  });
}

/** Which databases there are, asked of the one that always is: a wrong name is most often a misspelt one. */
async function nameDatabases(told: QaError, driver: Driver, options: ParsedOptions, place: Place): Promise<QaError> {
  const { host, port, user, password } = options.address!;
  const client = new driver.Client({
    ...{ host, port, user, password, database: 'postgres', connectionTimeoutMillis: 1000, query_timeout: 1000 },
    ...(options.ssl === undefined ? {} : { ssl: options.ssl as pg.ClientConfig['ssl'] & object }),
  });
  client.on('error', () => {});
  let names: string[];
  try {
    await client.connect();
    const { rows } = await client.query('select datname from pg_database where datallowconn and not datistemplate');
    names = rows.map((row: { datname: string }) => row.datname);
  } catch {
    return told; // Only the suggestion is lost.
  } finally {
    await client.end().catch(() => undefined); // It may never have been open.
  }
  const near = nearest(place.database ?? '', names);
  return new QaError('QA_NOT_FOUND', {
    what: `The database \`${place.database}\` does not exist. There are: ${names.slice(0, 10).join(', ')}`,
    mend: near ? `Did you mean \`${near}\`?` : 'Create it, or correct its name',
    connection: place.connection,
    address: place.address,
    cause: told.cause,
  });
}
