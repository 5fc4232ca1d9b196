/** What a config may say about a Kafka connection, and what is made of it. */
import {
  boolean,
  type Check,
  check,
  either,
  integer,
  list,
  milliseconds,
  nonEmpty,
  object,
  oneOf,
  optional,
  record,
} from '../core/check.ts';
import { QaError } from '../core/errors.ts';
import type { OrReference } from '../core/reference.ts';
import { isServer, SERVER_EXPECTED } from '../core/server.ts';
import type { AnyCodec, TopicCodecs } from './codec.ts';
import { checkSasl, checkTls, type KafkaSasl, type KafkaTls, type Security } from './security.ts';
import type { KafkaServer } from './server.ts';
import type { Bounds } from './topic-log.ts';
import { checkConfiguration } from './topic-settings.ts';

export interface TopicOptions extends TopicCodecs {
  /** How many partitions the topic gets on a throwaway broker. Default: 1. */
  readonly partitions?: number;
  /** Its configuration on a throwaway broker: `{ 'cleanup.policy': 'compact' }`. */
  readonly config?: Readonly<Record<string, string | number | boolean>>;
}

/** Codecs of topics by their names; other topics have text as key, and JSON, text or bytes as value. */
export type Topics = Readonly<Record<string, TopicOptions>>;

export type Compression = 'none' | 'gzip' | 'snappy' | 'lz4' | 'zstd';

export interface KafkaOptions<T extends Topics = Topics> {
  /** `['127.0.0.1:9092']`, or a text with commas between them: what clients call bootstrap servers. Excludes `server`. */
  brokers?: OrReference<string> | readonly OrReference<string>[];
  /** A throwaway broker: `embedded()`, or a started testcontainers object. */
  server?: KafkaServer;
  topics?: T;
  /** TLS. `true` verifies the certificate with the authorities that Node knows. */
  ssl?: KafkaTls;
  sasl?: KafkaSasl;
  /** What brokers know this client by. Default: `qa-<run>-w<worker>`. */
  clientId?: OrReference<string>;
  /** Time for one connection to open, TLS included, ms. Default: 5000. */
  connectTimeout?: number;
  /** Time for a broker to answer a request, ms. Default: 10000. */
  requestTimeout?: number;
  producer?: ProducerOptions;
  /** How much of each topic is kept in memory; what is older is dropped, and a matcher that needs it says so. */
  record?: {
    /** Default: 200000. */
    messages?: number;
    /** Default: 268435456 (256 MiB). */
    bytes?: number;
  };
}

export interface ProducerOptions {
  /** No message twice, whatever is sent again. Default: false. */
  idempotent?: boolean;
  /** Who must have a message before it counts as sent. Default: `all`. */
  acks?: 'all' | 'leader' | 'none';
  /** Default: `none`. */
  compression?: Compression;
}

const codec: Check<AnyCodec> = check<AnyCodec>(
  'a codec, such as json(), text() or avro(…)',
  (value) =>
    typeof value === 'object' &&
    value !== null &&
    ['encode', 'decode', 'prepare'].some((name) => typeof (value as Record<string, unknown>)[name] === 'function'),
);

const checkOptions = object({
  brokers: optional(either(nonEmpty, list(nonEmpty))),
  server: optional(check<KafkaServer>(SERVER_EXPECTED, isServer)),
  topics: optional(
    record(
      object({
        key: optional(codec),
        value: optional(codec),
        partitions: optional(integer(1)),
        config: optional(checkConfiguration),
      }),
    ),
  ),
  ssl: optional(checkTls),
  sasl: optional(checkSasl),
  clientId: optional(nonEmpty),
  connectTimeout: optional(milliseconds(1)),
  requestTimeout: optional(milliseconds(1)),
  producer: optional(
    object({
      idempotent: optional(boolean),
      acks: optional(oneOf('all', 'leader', 'none')),
      compression: optional(oneOf('none', 'gzip', 'snappy', 'lz4', 'zstd')),
    }),
  ),
  record: optional(object({ messages: optional(integer(1)), bytes: optional(integer(1)) })),
});

export interface ParsedOptions {
  /** `host:port` each; empty only with `server`, until the server is there. */
  readonly brokers: readonly string[];
  readonly topics: Topics;
  readonly ssl: Security['ssl'];
  readonly sasl: Security['sasl'];
  readonly clientId: string | undefined;
  readonly connectTimeout: number;
  readonly requestTimeout: number;
  readonly producer: ProducerOptions;
  readonly record: Bounds;
}

/** @throws QaError QA_CONFIG */
export function parseOptions(input: Readonly<Record<string, unknown>>, path: string): ParsedOptions {
  const { brokers, server, topics = {}, ...rest } = checkOptions(input, path);
  const fail = (what: string, mend: string) => new QaError('QA_CONFIG', { what: `\`${path}\` ${what}`, mend });
  if (server !== undefined && brokers !== undefined)
    throw fail('has both `server` and `brokers`', 'Keep `server` for a throwaway broker, or the addresses');
  if (server === undefined && brokers === undefined)
    throw fail('says nothing about where the brokers are', "Give `brokers: ['host:9092']`, or `server: embedded()`");
  const { producer = {}, record: kept = {} } = rest;
  if (producer.idempotent && producer.acks !== undefined && producer.acks !== 'all')
    throw fail('has an idempotent producer with `acks` other than `all`', "Leave `acks` out, or write `acks: 'all'`");
  return {
    brokers: brokers === undefined ? [] : parseBrokers([brokers].flat(), `${path}.brokers`),
    topics,
    ssl: rest.ssl,
    sasl: rest.sasl,
    clientId: rest.clientId,
    connectTimeout: rest.connectTimeout ?? 5000,
    requestTimeout: rest.requestTimeout ?? 10_000,
    producer,
    record: { messages: kept.messages ?? 200_000, bytes: kept.bytes ?? 256 << 20 },
  };
}

const SCHEME = /^kafka:\/\//i;

/** `host:port`, each with a scheme or without, several in one text; a port that is missing is 9092. */
export function parseBrokers(given: readonly string[], path: string): string[] {
  const brokers = given
    .flatMap((text) => text.replace(SCHEME, '').split(','))
    .map((text) => text.trim().replace(/\/$/, ''))
    .filter((text) => text !== '');
  if (brokers.length > 0 && brokers.every(isBroker)) {
    return brokers.map((broker) => (/:\d+$/.test(broker) ? broker : `${broker}:9092`));
  }
  if (brokers.some((broker) => broker.startsWith('[')))
    throw new QaError('QA_CONFIG', {
      what: `\`${path}\` has an IPv6 address, which kafkajs cannot read`,
      mend: 'Give a host name that leads there: localhost:9092',
    });
  throw new QaError('QA_CONFIG', {
    what: `\`${path}\` is no list of brokers`,
    mend: 'Write host:port, several with commas between them: kafka://one:9092,two:9092; user and password belong into `sasl`',
  });
}

function isBroker(text: string): boolean {
  const [, host, port] = /^([\w.-]+)(?::(\d+))?$/.exec(text) ?? [];
  return host !== undefined && (port === undefined || (Number(port) >= 1 && Number(port) <= 65_535));
}

/** `kafka://one:9092,two:9092` */
export function printBrokers(brokers: readonly string[]): string {
  return brokers.length === 0 ? 'kafka (a throwaway broker)' : `kafka://${brokers.join(',')}`;
}
