/** The connection: opened within a bound, with what else a file needs of the server, and closed with all of it. */
import type { Cluster, Redis, RedisOptions } from 'ioredis';
import type { Scope } from '../../core/binding.ts';
import { isQaError, QaError } from '../../core/errors.ts';
import { orAborted } from '../../core/operation.ts';
import type { Address } from './address.ts';
import { ChannelRecorder } from './channel-recorder.ts';
import { type Place, redisError } from './errors.ts';
import { KeyFeed } from './feed.ts';
import { describeTarget, type ParsedOptions } from './options.ts';
import { remember } from './renew.ts';
import { greet, type Server } from './server.ts';

/** What our own commands rely on is not among them. */
type IoredisOptions = Omit<RedisOptions, 'replyMapping'>;

/** ioredis' module. */
export type Driver = typeof Redis & { Cluster: typeof Cluster };

export const CONNECT_TIMEOUT = 5000;
export const COMMAND_TIMEOUT = 10_000;
/** A broken connection is tried again after this time, ms. */
const RECONNECT = 50;

/** Where on the server's clock, in ms, a file and a test began. */
export interface Marks {
  file: number;
  test: number;
  /** Of streams that are known: the id that their entries of the test begin with, as XRANGE takes it. */
  streams: Map<string, string>;
}

export class RedisClient {
  readonly kind: string;
  readonly options: ParsedOptions;
  readonly scope: Scope;
  readonly redis: Redis | Cluster;
  /** Tells of keys that change, where the server can. */
  readonly feed: KeyFeed;
  /** What was published in the channels of the config; undefined where it names none. */
  readonly channels: ChannelRecorder | undefined;
  readonly marks: Marks = { file: 0, test: 0, streams: new Map() };
  /** Keys of streams that tests have looked at. */
  readonly streams = new Set<string>();
  server!: Server;
  /** What an `error` event told last. Set until the connection works again. */
  trouble: unknown;
  readonly #driver: Driver;
  readonly #extras = new Set<Redis>();
  #isOpen = false;

  private constructor(kind: string, options: ParsedOptions, scope: Scope, driver: Driver) {
    this.kind = kind;
    this.options = options;
    this.scope = scope;
    this.#driver = driver;
    this.redis = this.#make();
    this.feed = new KeyFeed(this);
    this.channels = options.channels?.length ? new ChannelRecorder(this, options.channels) : undefined;
  }

  /** @throws QaError that says why it could not be opened */
  static async open(kind: string, options: ParsedOptions, scope: Scope): Promise<RedisClient> {
    const driver = (await scope.driver()) as Driver;
    if (!options.address) {
      throw new QaError('QA_CONFIG', {
        what: 'The connection has no address: its server has not been started',
        mend: 'Give `url`, or `host`, or `server: embedded()`',
        connection: scope.connection,
      });
    }
    const client = new RedisClient(kind, options, scope, driver);
    try {
      await orAborted(client.#open(), scope.signal);
      return client;
    } catch (error) {
      client.close();
      throw scope.signal.aborted && !isQaError(error)
        ? scope.signal.reason
        : client.told(error, 'Opening the connection');
    }
  }

  get isCluster(): boolean {
    return this.options.cluster !== undefined;
  }

  get place(): Place {
    const { host, user, db } = this.options.address as Address;
    const { connection, redactor } = this.scope;
    const address = describeTarget(this.options, this.kind);
    return { connection, address, host, user, db, redact: (text) => redactor.redact(text) };
  }

  told(error: unknown, doing: string): QaError {
    return redisError(error, this.place, { doing, trouble: this.trouble });
  }

  /**
   * A connection of our own beside the user's, open: it blocks or subscribes. Closed by `release` or with the client.
   * RESP2 for those that are told of changed keys, which ioredis hands on in that protocol only.
   */
  async extra(options: IoredisOptions = {}): Promise<Redis> {
    const redis = new this.#driver({
      ...this.#common(),
      ...this.#oneNode(),
      lazyConnect: true,
      retryStrategy: () => null,
      ...options,
    });
    const troubles: unknown[] = [];
    redis.on('error', (error) => troubles.push(error));
    redis.on('connect', () => unref(redis));
    this.#extras.add(redis);
    redis.on('end', () => this.#extras.delete(redis));
    try {
      await redis.connect();
      return redis;
    } catch (error) {
      this.release(redis);
      throw redisError(error, this.place, { doing: 'Opening another connection', trouble: troubles[0] });
    }
  }

  release(redis: Redis): void {
    this.#extras.delete(redis);
    redis.disconnect();
  }

  /** Idempotent; waits for nobody. */
  close(): void {
    this.#isOpen = false;
    this.channels?.close();
    this.feed.close();
    for (const redis of this.#extras) redis.disconnect();
    this.#extras.clear();
    this.redis.disconnect();
  }

  async #open(): Promise<void> {
    await this.#connected();
    // A wrong database is told by an event alone: the connection works, on database 0.
    if (this.trouble !== undefined) throw this.trouble;
    this.server = await greet(this);
    this.marks.file = this.server.time;
    this.marks.test = this.server.time;
    await this.channels?.open();
    await remember(this);
    this.#isOpen = true;
  }

  /** A cluster whose nodes cannot be reached at the addresses that they tell ends without an answer. */
  #connected(): Promise<unknown> {
    const ended = new Promise<never>((_, reject) => {
      this.redis.once('end', () => reject(this.trouble ?? new Error('Connection is closed.')));
    });
    return Promise.race([this.redis.connect(), ended]);
  }

  #make(): Redis | Cluster {
    const { cluster, ioredis = {} } = this.options;
    // Once it has been open it comes back by itself; until then the first failure is the answer.
    const retry = () => (this.#isOpen ? RECONNECT : null);
    const common = { ...this.#common(), lazyConnect: true, retryStrategy: retry };
    const redis =
      cluster === undefined
        ? new this.#driver({ ...common, ...this.#oneNode() })
        : new this.#driver.Cluster([...cluster], {
            lazyConnect: true,
            slotsRefreshTimeout: this.options.connectTimeout ?? CONNECT_TIMEOUT,
            clusterRetryStrategy: retry,
            redisOptions: common,
            ...ioredis,
          } as ConstructorParameters<Driver['Cluster']>[1]);
    redis.on('error', (error: Error & { lastNodeError?: Error }) => {
      const trouble = error.lastNodeError ?? error;
      if (this.trouble === undefined && this.#isOpen) this.scope.log.warn({ error: trouble }, 'the connection broke');
      this.trouble ??= trouble;
    });
    redis.on('ready', () => {
      if (this.#isOpen && this.trouble !== undefined) this.scope.log.info('connected again');
      if (this.#isOpen) this.trouble = undefined;
    });
    redis.on('connect', () => unref(redis));
    return redis;
  }

  #common(): IoredisOptions {
    const {
      address,
      ssl,
      connectTimeout = CONNECT_TIMEOUT,
      commandTimeout = COMMAND_TIMEOUT,
      clientName,
    } = this.options;
    const { user, password, tls } = address!;
    const { run, worker } = this.scope.namespace;
    return {
      ...(user === undefined ? {} : { username: user }),
      ...(password === undefined ? {} : { password }),
      ...(ssl || tls ? { tls: (typeof ssl === 'object' ? ssl : {}) as object } : {}),
      connectionName: clientName ?? `qa-${run}-w${worker}`,
      connectTimeout,
      commandTimeout,
      // A command that was under way when the connection broke fails; nobody knows whether it was done.
      maxRetriesPerRequest: 0,
      autoResendUnfulfilledCommands: false,
    };
  }

  #oneNode(): IoredisOptions {
    const { address, cluster, ioredis } = this.options;
    const { host, port, socket, db } = address!;
    const given = cluster === undefined ? (ioredis as IoredisOptions | undefined) : undefined;
    if (given?.sentinels) return { ...given, db };
    return {
      ...(socket === undefined ? { host, port } : { path: socket }),
      ...(cluster === undefined ? { db } : {}),
      ...given,
    };
  }
}

/** A connection that waits for nothing must not keep the process alive: an in-band run of Jest would not end. */
function unref(redis: Redis | Cluster): void {
  if ('stream' in redis) (redis.stream as { unref?(): void }).unref?.();
}
