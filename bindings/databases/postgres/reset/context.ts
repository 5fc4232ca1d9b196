/** What every part of a reset needs to know about the connection it works for. */
import type pg from 'pg';
import type { Scope } from '../../../core/binding.ts';
import { redactUrl } from '../../../core/redact.ts';

/** What the reset needs of an open PostgreSQL connection. */
export interface ResetTarget {
  pool: pg.Pool;
  driver: Pick<typeof pg, 'Client'>;
}

/** The part of the connection's options that this module reads. */
export interface ResetOptions {
  /** What may be emptied on a target that is not a throwaway one; needs the marker on the database. */
  reset?: { tables: readonly string[] } | undefined;
}

export interface Context {
  /** Name in the config. */
  connection: string;
  /** Without secrets. */
  address: string;
  /** `qa-reset/<run>/<worker>` */
  applicationName: string;
  Client: typeof pg.Client;
  redact(text: string): string;
}

export function contextOf({ pool, driver }: ResetTarget, scope: Scope): Context {
  return {
    connection: scope.connection,
    address: addressOf(pool.options),
    applicationName: `qa-reset/${scope.namespace.run}/${scope.namespace.worker}`,
    Client: driver.Client,
    redact: (text) => scope.redactor.redact(text),
  };
}

function addressOf(options: pg.PoolOptions): string {
  if (options.connectionString) return redactUrl(options.connectionString);
  const { user = '', host = 'localhost', port = 5432, database = user } = options;
  return `postgres://${user && `${user}@`}${host}:${port}/${database}`;
}
