/** What `server` of a PostgreSQL connection may be. */
import type { EmbeddedFor, EmbeddedServer, Lent } from '../../core/server.ts';

export type PostgresServer = EmbeddedServer<EmbeddedFor<'schema' | 'binaries'>> | LentPostgres;

/** A started testcontainers PostgreSQL, or what gives the same address. It is lent to the run, which never stops it. */
export interface StartedPostgres {
  getConnectionUri(): string;
}

/** What a config may give as `server`, when not `embedded(…)`. */
export type LentPostgres = Lent<StartedPostgres>;
