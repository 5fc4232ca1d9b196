/** Records what is published in channels: nobody can ask for it later. One connection, open as long as the file's. */
import type { Redis } from 'ioredis';
import { clock } from '../../core/clock.ts';
import type { RedisClient } from './client.ts';

export interface Published {
  readonly channel: string;
  readonly payload: Buffer;
  /** ms of the core's clock. */
  readonly seen: number;
  /** ms of the calendar. */
  readonly time: number;
}

/** From where on messages count. */
export interface ChannelMark {
  /** Number of the first message. */
  readonly number: number;
  /** ms of the calendar here. */
  readonly time: number;
}

/** A time in which messages may have been missed. */
interface Gap {
  readonly from: number;
  to: number | undefined;
}

/** What is older is dropped. */
const MOST_MESSAGES = 100_000;
const MOST_BYTES = 64 << 20;
/** A broken connection is tried again after this time, ms. */
const RECONNECT = 50;

export class ChannelRecorder {
  readonly #client: RedisClient;
  readonly #names: readonly string[];
  readonly #listeners = new Set<() => void>();
  #redis: Redis | undefined;
  #messages: Published[] = [];
  #bytes = 0;
  /** How many were dropped: the number of the first that is kept. */
  #first = 0;
  #gaps: Gap[] = [];
  readonly marks: { file: ChannelMark; test: ChannelMark };

  constructor(client: RedisClient, names: readonly string[]) {
    this.#client = client;
    this.#names = names;
    const start = this.mark();
    this.marks = { file: start, test: start };
  }

  mark(): ChannelMark {
    return { number: this.end, time: Date.now() };
  }

  /** When it has resolved, no message that is published afterwards is missed. */
  async open(): Promise<void> {
    const redis = await this.#client.extra({ retryStrategy: () => RECONNECT, autoResubscribe: true });
    this.#redis = redis;
    redis.on('messageBuffer', (channel: Buffer, payload: Buffer) => this.#add(channel.toString(), payload));
    redis.on('pmessageBuffer', (pattern: string | Buffer, channel: Buffer, payload: Buffer) => {
      // The server sends it once for each subscription that fits; the first one counts.
      const name = channel.toString();
      const first =
        this.#names.find((known) => known === name) ??
        this.#names.find((known) => isPattern(known) && patternOf(known).test(name));
      if (first === String(pattern)) this.#add(name, payload);
    });
    redis.on('close', () => this.#gaps.push({ from: Date.now(), to: undefined }));
    const plain = this.#names.filter((name) => !isPattern(name));
    const patterns = this.#names.filter(isPattern);
    const subscribe = async () => {
      if (plain.length > 0) await redis.subscribe(...plain);
      if (patterns.length > 0) await redis.psubscribe(...patterns);
    };
    await subscribe();
    redis.on('ready', () => {
      // What ioredis subscribes to by itself is asked for again, so as to know when it is done.
      subscribe().then(
        () => {
          for (const gap of this.#gaps) gap.to ??= Date.now();
          this.#wake();
        },
        () => undefined,
      );
    });
  }

  /** Whether messages of the channel are recorded. */
  covers(channel: string): boolean {
    return this.#names.some((name) => (isPattern(name) ? patternOf(name).test(channel) : name === channel));
  }

  get names(): readonly string[] {
    return this.#names;
  }

  /** Number behind the newest message. */
  get end(): number {
    return this.#first + this.#messages.length;
  }

  get dropped(): number {
    return this.#first;
  }

  at(number: number): Published | undefined {
    return this.#messages[number - this.#first];
  }

  /** Resolves when all that had been published when it was called is recorded. */
  async settled(): Promise<void> {
    await this.#redis?.ping();
  }

  /** Times since `time` in which messages may have been missed. */
  gapsSince(time: number): readonly Gap[] {
    return this.#gaps.filter(({ to }) => to === undefined || to >= time);
  }

  subscribe(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** As if newly opened, for the next file. False: it must be. */
  renew(): boolean {
    if (this.#redis?.status !== 'ready') return false;
    this.#first = this.end;
    this.#messages = [];
    this.#bytes = 0;
    this.#gaps = [];
    this.marks.file = this.mark();
    this.marks.test = this.marks.file;
    return true;
  }

  close(): void {
    this.#listeners.clear();
    this.#redis?.disconnect();
  }

  #add(channel: string, payload: Buffer): void {
    this.#messages.push({ channel, payload, seen: clock().now(), time: Date.now() });
    this.#bytes += payload.length;
    if (this.#messages.length > MOST_MESSAGES || this.#bytes > MOST_BYTES) this.#drop();
    this.#wake();
  }

  #drop(): void {
    const half = this.#messages.splice(0, Math.ceil(this.#messages.length / 2));
    this.#first += half.length;
    for (const { payload } of half) this.#bytes -= payload.length;
  }

  #wake(): void {
    for (const listener of this.#listeners) listener();
  }
}

export function isPattern(name: string): boolean {
  return /[*?[]/.test(name);
}

/** A glob of Redis: `*`, `?`, `[a-c]`, `[^a]`, and `\` before a character that is meant. */
export function patternOf(glob: string): RegExp {
  const source = glob.replace(
    /\\(.)|\[(\^?)([^\]]*)\]|[*?]|[\s\S]/g,
    (part, escaped?: string, not?: string, set?: string) => {
      if (part === '*') return '[\\s\\S]*';
      if (part === '?') return '[\\s\\S]';
      if (set !== undefined) return `[${not}${set.replace(/[\\\]]/g, '\\$&')}]`;
      return (escaped ?? part).replace(/[\\^$.*+?()[\]{}|/-]/g, '\\$&');
    },
  );
  return new RegExp(`^${source}$`);
}
