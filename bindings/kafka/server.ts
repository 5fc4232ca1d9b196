/** What `server` of a Kafka connection may be. */
import type { EmbeddedFor, EmbeddedServer, Lent } from '../core/server.ts';

export type KafkaServer = EmbeddedServer<EmbeddedFor<'version' | 'home'>> | LentKafka;

/** A started testcontainers Kafka or Redpanda, or what gives the same address. It is lent to the run, which never stops it. */
export type StartedKafka =
  | { getBootstrapServers(): string }
  | { getHost(): string; getMappedPort(port: number): number };

/** What a config may give as `server`, when not `embedded(…)`. */
export type LentKafka = Lent<StartedKafka>;
