/** What is open of one Kafka connection: kafkajs, the recorder on it, and what tests have made. */
import type { Admin, Kafka, KafkaConfig } from 'kafkajs';
import type { Scope } from '../core/binding.ts';
import { clusterOf, Sockets } from './cluster.ts';
import { kafkaError } from './errors.ts';
import { type ParsedOptions, printBrokers } from './options.ts';
import { Producers } from './producers.ts';
import { type Mark, Recorder } from './recorder.ts';
import { securityConfig } from './security.ts';
import { TopicCodecs } from './topic-codecs.ts';

export type Driver = typeof import('kafkajs');

/** Where a test began: offsets on the broker, and how far the record had come by then. */
export interface TestMark extends Mark {
  /** Sequence number in each topic's log: what is before it came before the mark. */
  readonly sequences: ReadonlyMap<string, number>;
}

/** Between two attempts of ours, ms: a broker that is away is asked again by whoever waits for it. */
const RETRY = { initialRetryTime: 20, maxRetryTime: 50 };

export class KafkaClient {
  /** The real client, as the config says, for tests. */
  readonly kafka: Kafka;
  readonly options: ParsedOptions;
  readonly scope: Scope;
  readonly recorder: Recorder;
  readonly producers: Producers;
  /** Topics that tests made by `create()`. */
  readonly created: Set<string> = new Set();
  codecs!: TopicCodecs;
  /** What a test's messages are counted from. */
  mark!: TestMark;
  readonly #sockets = new Sockets();
  /** Fails at once where the real client would try again for seconds. */
  readonly #impatient: Kafka;
  #admin: Promise<Admin> | undefined;

  constructor(driver: Driver, options: ParsedOptions, scope: Scope) {
    const { namespace, connection } = scope;
    const config = {
      brokers: [...options.brokers],
      clientId: options.clientId ?? `qa-${namespace.run}-w${namespace.worker}`,
      connectionTimeout: options.connectTimeout,
      authenticationTimeout: options.connectTimeout,
      requestTimeout: options.requestTimeout,
      socketFactory: this.#sockets.factory,
      // What it would log it also throws, and tells by its events.
      logLevel: driver.logLevel.NOTHING,
      ...securityConfig(options),
    } satisfies KafkaConfig;
    this.options = options;
    this.scope = scope;
    this.kafka = new driver.Kafka(config);
    // One attempt for each address: kafkajs takes the next one by trying again.
    this.#impatient = new driver.Kafka({ ...config, retry: { ...RETRY, retries: options.brokers.length - 1 } });
    this.recorder = new Recorder(clusterOf(this.#impatient), options.record);
    const { namespace: of } = scope;
    this.producers = new Producers(this.kafka, driver, options.producer, `qa-${of.run}-w${of.worker}-${connection}`);
  }

  get place(): { connection: string; address: string; user: string | undefined } {
    const { brokers, sasl } = this.options;
    const user = sasl !== undefined && 'username' in sasl ? (sasl.username as string) : undefined;
    return { connection: this.scope.connection, address: printBrokers(brokers), user };
  }

  /** One of ours, where the error is the connection's. */
  told(error: unknown, doing: string, topic?: string): Error {
    return kafkaError(error, { ...this.place, topic, topics: this.recorder.topics }, doing);
  }

  admin(): Promise<Admin> {
    this.#admin ??= this.#connectAdmin();
    return this.#admin;
  }

  /** Takes the mark that a test starts from. */
  async takeMark(): Promise<void> {
    const sequences = this.recorder.sequences();
    this.mark = { ...(await this.recorder.mark()), sequences };
  }

  async close(): Promise<void> {
    const closed = this.recorder.close();
    this.#sockets.destroy();
    await closed;
  }

  async #connectAdmin(): Promise<Admin> {
    const admin = this.#impatient.admin();
    try {
      await admin.connect();
      return admin;
    } catch (error) {
      this.#admin = undefined;
      throw error;
    }
  }
}

/** @throws QaError */
export async function openKafka(options: ParsedOptions, scope: Scope): Promise<KafkaClient> {
  const client = new KafkaClient((await scope.driver()) as Driver, options, scope);
  const late = () => void client.close();
  scope.signal.addEventListener('abort', late, { once: true });
  try {
    const [codecs] = await Promise.all([TopicCodecs.prepare(options.topics, scope), openRecorder(client)]);
    client.codecs = codecs;
    client.mark = { ...client.recorder.pins, sequences: new Map() };
    return client;
  } catch (error) {
    await client.close();
    throw client.told(error, 'Opening');
  } finally {
    scope.signal.removeEventListener('abort', late);
  }
}

async function openRecorder(client: KafkaClient): Promise<void> {
  const { recorder, options, scope } = client;
  const declared = Object.keys(options.topics);
  await recorder.open(declared);
  if (scope.lease === undefined) return;
  const missing = declared.filter((topic) => !recorder.topics.includes(topic));
  if (missing.length > 0) await createTopics(client, missing);
}

/** Makes topics as the config says. Another worker may make them at the same time. */
async function createTopics(client: KafkaClient, names: readonly string[]): Promise<void> {
  const admin = await client.admin();
  const topics = names.map((topic) => {
    const { partitions = 1, config = {} } = client.options.topics[topic] ?? {};
    const configEntries = Object.entries(config).map(([name, value]) => ({ name, value: String(value) }));
    return { topic, numPartitions: partitions, configEntries };
  });
  await admin.createTopics({ topics, waitForLeaders: false });
  await client.recorder.untilLed(names);
}
