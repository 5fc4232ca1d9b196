/** What `server` of an Aerospike connection may be. */
import type { EmbeddedFor, EmbeddedServer, Lent } from '../../core/server.ts';

export type AerospikeServer = EmbeddedServer<EmbeddedFor<never>> | LentAerospike;

/** A started testcontainers container of Aerospike. It is lent to the run, which never stops it. */
export interface StartedAerospike {
  getHost(): string;
  getMappedPort(port: number): number;
}

/** What a config may give as `server`, when not `embedded()`. */
export type LentAerospike = Lent<StartedAerospike>;
