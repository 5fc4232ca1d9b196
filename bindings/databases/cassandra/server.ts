/** What `server` of a Cassandra connection may be. */
import type { EmbeddedFor, EmbeddedServer, Lent } from '../../core/server.ts';

export type CassandraServer = EmbeddedServer<EmbeddedFor<'schema' | 'version' | 'home'>> | LentCassandra;

/** A started testcontainers Cassandra, or what gives the same address. It is lent to the run, which never stops it. */
export interface StartedCassandra {
  /** `host:port` */
  getContactPoint(): string;
  getDatacenter(): string;
  getUsername?(): string;
  getPassword?(): string;
}

/** What a config may give as `server`, when not `embedded(…)`. */
export type LentCassandra = Lent<StartedCassandra>;
