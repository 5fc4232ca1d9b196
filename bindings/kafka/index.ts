/** Kafka, through `kafkajs`. */
import type { Binding, Health } from '../core/binding.ts';
import { clock } from '../core/clock.ts';
import { type Connection, connection } from '../core/connection.ts';
import { type KafkaClient, openKafka } from './client.ts';
import { gssapiNeeds, ticketsOf } from './gssapi.ts';
import { KafkaHandle } from './handle.ts';
import { inspect } from './inspect.ts';
import { marks, ownership } from './marks.ts';
import {
  type KafkaOptions,
  type ParsedOptions,
  parseBrokers,
  parseOptions,
  printBrokers,
  type Topics,
} from './options.ts';
import { identityOf } from './security.ts';

export type { GssapiOptions, KafkaGssapi } from './gssapi.ts';
export { gssapi } from './gssapi.ts';
export type { KafkaHandle, KafkaTransaction } from './handle.ts';
export type { Compression, KafkaOptions, ProducerOptions, TopicOptions, Topics } from './options.ts';
export type { SendMessage } from './outgoing.ts';
export type { KafkaBearer, KafkaLogin, KafkaMechanism, KafkaSasl, KafkaTls } from './security.ts';
export type { Stored, Topic, TopicSender } from './topic.ts';
export type { CreateOptions } from './topic-admin.ts';
export type { Header, KafkaMessage } from './topic-codecs.ts';

export const binding = {
  kind: 'kafka',
  driver: { name: 'kafkajs', range: '2.2.4' },
  needs: gssapiNeeds,
  parse: parseOptions,
  withAddress: (options: ParsedOptions, address: string, path: string): ParsedOptions => ({
    ...options,
    brokers: parseBrokers([address], path),
  }),
  describe: ({ brokers }: ParsedOptions) => ({ address: printBrokers(brokers) }),
  open: openKafka,
  close: (client) => client.close(),
  renew: async (client) => {
    await client.renew();
    return true;
  },
  resume: (client, scope) => client.resume(scope),
  health,
  inspect,
  ownership,
  reset: async (client, proof) => marks(client, proof),
  handle: (opened, scope) => new KafkaHandle(opened, scope),
} satisfies Binding<ParsedOptions, KafkaClient, KafkaHandle>;

/**
 * A Kafka cluster.
 *
 * @throws QaError QA_CONFIG when the config is loaded or the connection opens, naming what is wrong
 * @example
 * kafka({ brokers: ['127.0.0.1:9092'], topics: { orders: { key: text(), value: json<Order>() } } })
 * kafka({ server: embedded(), topics: { orders: { partitions: 3 } } })
 */
export function kafka<const T extends Topics = Record<never, never>>(
  options: KafkaOptions<T>,
): Connection<KafkaHandle<T>> {
  // The handle is the same for all; which topics it knows is for types only.
  return connection(binding, options) as Connection<object> as Connection<KafkaHandle<T>>;
}

async function health(client: KafkaClient): Promise<Health> {
  const start = clock().now();
  try {
    const { clusterId, brokers } = await (await client.admin()).describeCluster();
    const latency = clock().now() - start;
    return {
      version: `cluster ${clusterId}, ${brokers.length} broker${brokers.length === 1 ? '' : 's'}`,
      latency,
      identity: await identity(client),
    };
  } catch (error) {
    throw client.told(error, 'Asking for its health');
  }
}

async function identity({ options, scope }: KafkaClient): Promise<string> {
  const { sasl } = options;
  const login = identityOf(sasl);
  if (sasl === undefined || login === undefined) return 'anonymous';
  if ('connection' in sasl) login.user = (await ticketsOf(sasl.connection, (name) => scope.use(name))).principal;
  return `${login.user ?? 'a token'} by ${login.mechanism}`;
}
