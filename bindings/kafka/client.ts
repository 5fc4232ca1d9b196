/** What is open of one Kafka connection: kafkajs, the recorder on it, and what tests have made. */
import type { Admin, Kafka, KafkaConfig } from 'kafkajs';
import type { Scope } from '../core/binding.ts';
import { clock, pause } from '../core/clock.ts';
import type { QaError } from '../core/errors.ts';
import { orAborted } from '../core/operation.ts';
import { clusterOf, reachAny, Sockets, type WireCluster } from './cluster.ts';
import { registerCompression, requireCompression } from './compression/index.ts';
import { type Doing, kafkaError } from './errors.ts';
import { GroupDirectory } from './group-directory.ts';
import { watchFactories } from './left-behind.ts';
import { type ParsedOptions, printBrokers } from './options.ts';
import { Producers } from './producers.ts';
import { type Mark, Recorder } from './recorder.ts';
import { identityOf, securityConfig } from './security.ts';
import { TopicCodecs } from './topic-codecs.ts';
import type { TopicLog } from './topic-log.ts';

export type Driver = typeof import('kafkajs');

/** Where a test began: offsets on the broker, and how far the record had come by then. */
export interface TestMark extends Mark {
  /** Sequence number in each topic's log: what is before it came before the mark. */
  readonly sequences: ReadonlyMap<string, number>;
}

/** A leader is found again within this time, or its brokers are away, ms. */
const PATIENCE = 2000;
/** Between two attempts, ms. */
const PAUSE = 10;
/** Between two attempts of ours, ms: a broker that is away is asked again by whoever waits for it. */
const RETRY = { initialRetryTime: 20, maxRetryTime: 50 };

export class KafkaClient {
  readonly options: ParsedOptions;
  readonly cluster: WireCluster;
  readonly recorder: Recorder;
  readonly groups: GroupDirectory;
  /** Topics that tests made by `create()`. */
  readonly created: Set<string> = new Set();
  /** Of the file that uses it now. */
  scope: Scope;
  /** The real client, as the config says, for tests. */
  kafka!: Kafka;
  producers!: Producers;
  codecs!: TopicCodecs;
  /** What a test's messages are counted from. */
  mark!: TestMark;
  readonly #driver: Driver;
  readonly #config: KafkaConfig;
  /** The recorder's: they outlive a file, where the process runs another one. */
  readonly #sockets = new Sockets();
  /** What tests have opened, by the real client, by producers and by the admin. */
  #ofTests!: Sockets;
  #leave!: () => Promise<void>;
  #admin: Promise<Admin> | undefined;
  /** How many losses of each topic were told, now and when the test began. */
  readonly #told = new Map<string, number>();
  #toldBefore: ReadonlyMap<string, number> = new Map();

  constructor(driver: Driver, options: ParsedOptions, scope: Scope) {
    const { namespace } = scope;
    this.options = options;
    this.scope = scope;
    this.#driver = driver;
    this.#config = {
      brokers: [...options.brokers],
      clientId: options.clientId ?? `qa-${namespace.run}-w${namespace.worker}`,
      connectionTimeout: options.connectTimeout,
      authenticationTimeout: options.connectTimeout,
      requestTimeout: options.requestTimeout,
      // What it would log it also throws, and tells by its events.
      logLevel: driver.logLevel.NOTHING,
      ...securityConfig(options, {
        onToken: (token) => this.scope.redactor.add(token),
        use: (name) => this.scope.use(name),
      }),
    };
    this.cluster = clusterOf(this.#impatient(this.#sockets));
    this.recorder = new Recorder(this.cluster, options.record, driver.CompressionCodecs, (line) =>
      this.scope.log.warn(line),
    );
    this.groups = new GroupDirectory(this.cluster);
    this.#begin();
  }

  get place(): { connection: string; address: string } {
    return { connection: this.scope.connection, address: printBrokers(this.options.brokers) };
  }

  /** One of ours, where the error is the connection's. */
  told(error: unknown, doing: Doing | string): QaError {
    const { brokers, ssl, sasl } = this.options;
    const { redactor } = this.scope;
    const place = {
      ...this.place,
      brokers,
      tls: ssl !== undefined && ssl !== false,
      sasl: identityOf(sasl),
      answered: new Set([...this.#sockets.answered, ...this.#ofTests.answered]),
      redact: (text: string) => redactor.redact(text),
    };
    return kafkaError(error, place, typeof doing === 'string' ? doing : { known: this.known, ...doing });
  }

  /** Topics that somebody may have meant: not the broker's own. */
  get known(): readonly string[] {
    return this.recorder.topics.filter((topic) => !topic.startsWith('__'));
  }

  /**
   * Waits until what a transaction has written can be read: its commit is answered before the partitions have it. An
   * open transaction of somebody else may hide it for longer, for which nobody waits.
   */
  async untilVisible(written: ReadonlyMap<string, ReadonlyMap<number, bigint>>, signal?: AbortSignal): Promise<void> {
    const start = clock().now();
    const topics = [...written.keys()];
    while (clock().now() - start < PATIENCE && !signal?.aborted) {
      const ends = await this.persistently(() => this.recorder.list(topics, '-1', true), signal);
      const isVisible = [...written].every(([topic, partitions]) =>
        [...partitions].every(([partition, offset]) => (ends.get(`${topic}/${partition}`) ?? 0n) > offset),
      );
      if (isVisible) return;
      await pause(PAUSE);
    }
  }

  admin(): Promise<Admin> {
    this.#admin ??= this.#connectAdmin();
    return this.#admin;
  }

  /** Takes the mark that a test starts from. */
  async takeMark(signal: AbortSignal): Promise<void> {
    const sequences = new Map(this.recorder.logs.map((log) => [log.topic, log.end]));
    this.#toldBefore = new Map(this.#told);
    this.mark = { ...(await this.persistently(() => this.recorder.mark(), signal)), sequences };
  }

  /** Again, while a partition changes its leader or a topic was just made: no event tells when that is over. */
  async persistently<T>(work: () => Promise<T>, signal: AbortSignal | undefined): Promise<T> {
    const start = clock().now();
    for (;;) {
      try {
        return await orAborted(work(), signal);
      } catch (error) {
        const { name, retriable } = error as { name?: string; retriable?: boolean };
        if (name !== 'KafkaJSProtocolError' || !retriable || signal?.aborted || clock().now() - start > PATIENCE)
          throw error;
      }
      await pause(PAUSE);
      // Where this fails too, the work's own error is the one to tell.
      await this.recorder.refresh().catch(() => undefined);
    }
  }

  /**
   * What was lost of a topic beyond help, and has not been told to an earlier test: the next matcher says so, whatever
   * test it is in.
   */
  lossesOf(log: TopicLog): readonly string[] {
    this.#told.set(log.topic, log.losses.length);
    return log.losses.slice(this.#toldBefore.get(log.topic) ?? 0);
  }

  /** Ends what tests have opened, and forgets what was recorded; `resume` begins anew with another file. */
  async renew(): Promise<void> {
    await this.#leave();
    this.#ofTests.destroy();
    this.#told.clear();
    this.#toldBefore = new Map();
    // On a broker that is ours the next reset deletes them.
    if (this.scope.lease === undefined) this.created.clear();
    this.recorder.renew();
  }

  async resume(scope: Scope): Promise<void> {
    this.scope = scope;
    this.#begin();
    this.codecs = this.codecs.for(scope.adopt);
    await this.record();
  }

  /** From now on no message is missed. */
  async record(): Promise<void> {
    await this.persistently(() => this.recorder.open(Object.keys(this.options.topics)), this.scope.signal);
    await reachAny(this.cluster);
    this.mark = { ...this.recorder.pins, sequences: new Map() };
  }

  async close(): Promise<void> {
    await this.#leave();
    const closed = this.recorder.close();
    this.#sockets.destroy();
    this.#ofTests.destroy();
    await closed;
  }

  #begin(): void {
    const { namespace, connection } = this.scope;
    this.#ofTests = new Sockets();
    this.#admin = undefined;
    this.kafka = new this.#driver.Kafka({ ...this.#config, socketFactory: this.#ofTests.factory });
    this.#leave = watchFactories(this.kafka);
    const id = `qa-${namespace.run}-w${namespace.worker}-${connection}`;
    this.producers = new Producers(this.kafka, this.#driver, this.options.producer, id);
  }

  /** Fails at once where the real client would try again for seconds. */
  #impatient({ factory }: Sockets): Kafka {
    // One attempt for each address: kafkajs takes the next one by trying again.
    const retry = { ...RETRY, retries: this.options.brokers.length - 1 };
    return new this.#driver.Kafka({ ...this.#config, retry, socketFactory: factory });
  }

  async #connectAdmin(): Promise<Admin> {
    const admin = this.#impatient(this.#ofTests).admin();
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
  const driver = (await scope.driver()) as Driver;
  const { compression = 'none' } = options.producer;
  registerCompression(driver.CompressionCodecs, scope.baseDir);
  requireCompression(compression, scope.baseDir, scope.connection);
  const client = new KafkaClient(driver, options, scope);
  const late = () => void client.close();
  scope.signal.addEventListener('abort', late, { once: true });
  try {
    const [codecs] = await Promise.all([TopicCodecs.prepare(options.topics, scope), client.record()]);
    client.codecs = codecs;
    return client;
  } catch (error) {
    await client.close();
    throw client.told(error, 'Opening');
  } finally {
    scope.signal.removeEventListener('abort', late);
  }
}
