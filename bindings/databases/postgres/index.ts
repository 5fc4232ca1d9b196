/** PostgreSQL, through `pg`. */
import type pg from 'pg';
import type { Binding, Health, Scope } from '../../core/binding.ts';
import { clock } from '../../core/clock.ts';
import { type Connection, connection } from '../../core/connection.ts';
import { parseAddress, printAddress } from './address.ts';
import { statementError } from './errors.ts';
import { PostgresHandle } from './handle.ts';
import { inspect } from './inspect.ts';
import { type ParsedOptions, type PostgresOptions, parseOptions } from './options.ts';
import { closePool, openPool } from './pool.ts';
import { renewPool } from './renew.ts';
import { ownership, type ResetTarget, reset } from './reset/index.ts';

export type { TlsOptions } from '../../core/tls.ts';
export type { SqlFragment, SqlTag } from './fragment.ts';
export type { PostgresHandle, PostgresStatements, PostgresTransaction } from './handle.ts';
export type { PoolOptions, PostgresOptions } from './options.ts';

export const binding = {
  kind: 'postgres',
  driver: { name: 'pg', range: '>=8.12 <9' },
  parse: parseOptions,
  withAddress({ server: _, ...options }: ParsedOptions, address: string, path: string): ParsedOptions {
    return { ...options, address: parseAddress(address, path) };
  },
  describe: ({ address }: ParsedOptions) => ({
    address: address ? printAddress(address) : 'postgres (a throwaway server)',
  }),
  open: openPool,
  close: closePool,
  renew: renewPool,
  health,
  inspect: async (pool, options, scope) => inspect(await targetOf(pool, scope), options, scope),
  ownership: async (pool, options, scope) => ownership(await targetOf(pool, scope), options, scope),
  reset: async (pool, proof, scope) => reset(await targetOf(pool, scope), proof, scope),
  handle: (opened, scope) => new PostgresHandle(opened, scope),
} satisfies Binding<ParsedOptions, pg.Pool, PostgresHandle>;

/**
 * A PostgreSQL database.
 *
 * @throws QaError QA_CONFIG when the config is loaded or the connection opens, naming what is wrong
 * @example
 * postgres({ url: fromEnv('DATABASE_URL') })
 * postgres({ server: embedded({ schema: './schema.sql' }) })
 */
export function postgres(options: PostgresOptions): Connection<PostgresHandle> {
  return connection(binding, options);
}

/** What a reset works on. */
async function targetOf(pool: pg.Pool, scope: Scope): Promise<ResetTarget> {
  return { pool, driver: (await scope.driver()) as typeof pg };
}

async function health(pool: pg.Pool, scope: Scope): Promise<Health> {
  const start = clock().now();
  try {
    const { rows } = await pool.query(
      "select current_setting('server_version') as version, current_user || ' in ' || current_database() as identity",
    );
    const { version, identity } = rows[0] as { version: string; identity: string };
    return { version, identity, latency: clock().now() - start };
  } catch (error) {
    const { host, port = 5432, user, database } = pool.options;
    const place = { connection: scope.connection, address: `${host}:${port}`, host, user, database };
    throw statementError(error, { ...place, redact: (text) => scope.redactor.redact(text) }, 'Asking for its version');
  }
}
