/** A stream as a source of messages: read with XRANGE, woken by XREAD on a connection of its own. */
import type { Redis } from 'ioredis';
import { clock, pause } from '../../core/clock.ts';
import { QaError } from '../../core/errors.ts';
import type { MessageObserver, MessageSource, MessageView, Notice, Received, Since } from '../../core/messages.ts';
import { cliCommand } from './command.ts';
import { isWrongType } from './errors.ts';
import { formOf, nameGiven } from './key.ts';
import { messageSource } from './message-source.ts';
import { fieldsOf } from './read.ts';
import type { Store } from './store.ts';
import { equalBytes } from './values.ts';

export interface StreamOptions {
  /** How the values of fields are read: what is JSON, or a number, is made one. Default: text. */
  as?: 'json' | 'number' | 'text' | 'bytes';
}

/** Entries read in one step. */
const STEP = 1000;
/** So long the server holds a read that has nothing to give, ms: a connection that is broken is noticed after it. */
const BLOCK = 1000;
/** After trouble it is tried again after this time, ms. */
const RETRY = 50;

export function streamSource<Entry extends object>(
  store: Store,
  name: string,
  { as }: StreamOptions,
): MessageSource<Entry> {
  const observer = new StreamObserver(store, nameGiven(name, store, 'stream', 'events'), as);
  formOf(as, observer.label);
  return messageSource(store, observer, (fields) => fields as Entry);
}

class StreamObserver implements MessageObserver {
  readonly kind = 'messages';
  readonly noun = 'message';
  readonly fields = undefined;
  readonly #store: Store;
  readonly #name: string;
  readonly #as: string | undefined;

  constructor(store: Store, name: string, as: string | undefined) {
    this.#store = store;
    this.#name = name;
    this.#as = as;
  }

  get label(): string {
    return `qa.${this.#store.scope.connection}.stream('${this.#name}')`;
  }

  where(): string {
    return `stream ${this.#store.full(this.#name)} of qa.${this.#store.scope.connection}${this.#store.address}`;
  }

  async open(since: Since, signal: AbortSignal): Promise<MessageView> {
    const key = this.#store.full(this.#name);
    this.#store.client.streams.add(key);
    const view = new StreamView(this.#store, { key, as: this.#as, start: this.#start(since, key) });
    await this.#store
      .ask('read', `Reading the stream \`${key}\``, () => view.catchUp(), { key, signal })
      .catch((error: QaError) => {
        if (!isWrongType(error.cause)) throw error;
        throw new QaError('QA_MISUSE', {
          what: `${this.label}: the key \`${key}\` is no stream`,
          mend: `Look at it with qa.${this.#store.scope.connection}.key('${this.#name}')`,
          connection: this.#store.scope.connection,
        });
      });
    return view;
  }

  command(): string {
    return cliCommand(this.#store.client, 'XRANGE', this.#store.full(this.#name), '-', '+');
  }

  equal(actual: unknown, expected: unknown): boolean | undefined {
    return equalBytes(actual, expected);
  }

  /** The id that what counts begins with. Ids are times of the server's clock, unless who adds gives others. */
  #start(since: Since, key: string): string {
    const { marks } = this.#store.client;
    if (since === 'test') return marks.streams.get(key) ?? `${marks.test}-0`;
    if (since === 'file') return `${marks.file}-0`;
    if (Object.prototype.toString.call(since) === '[object Date]') return `${(since as Date).getTime()}-0`;
    throw new QaError('QA_MISUSE', {
      what: `${this.label}: a stream has no partitions, so \`since\` cannot be offsets of them`,
      mend: "Give 'test', 'file' or a Date",
      connection: this.#store.scope.connection,
    });
  }
}

class StreamView implements MessageView {
  readonly received: Received[] = [];
  readonly #store: Store;
  readonly #key: string;
  readonly #as: string | undefined;
  readonly #listeners = new Set<() => void>();
  /** The next entry has this id or a later one; `(` in front: a later one. */
  #next: string;
  #reader: AbortController | undefined;
  #trouble: { error: Error; since: number } | undefined;

  constructor(store: Store, { key, as, start }: { key: string; as: string | undefined; start: string }) {
    this.#store = store;
    this.#key = key;
    this.#as = as;
    this.#next = start;
  }

  candidates(): undefined {
    return undefined;
  }

  subscribe(listener: () => void): () => void {
    this.#listeners.add(listener);
    // What passes at once needs no connection to wait on.
    if (this.#reader === undefined) setImmediate(() => this.#read());
    return () => {
      this.#listeners.delete(listener);
      if (this.#listeners.size > 0) return;
      this.#reader?.abort();
      this.#reader = undefined;
    };
  }

  notices(): readonly Notice[] {
    if (this.#trouble === undefined) return [];
    const { error, since } = this.#trouble;
    const ms = Math.round(clock().now() - since);
    return [{ kind: 'lost', text: `The stream could not be read for ${ms} ms: ${error.message}` }];
  }

  async explain(): Promise<string[]> {
    const { redis } = this.#store;
    const length = await this.#store.ask('explain', 'Looking at the stream', () => redis.xlen(this.#key), {
      key: this.#key,
    });
    if (length > 0)
      return length === this.received.length
        ? []
        : [`${length} entries in all, of which ${this.received.length} count`];
    return [(await redis.exists(this.#key)) > 0 ? 'the stream is empty' : 'there is no such stream'];
  }

  /** Reads all that is there now. */
  async catchUp(): Promise<void> {
    for (;;) {
      const page = await this.#store.redis.callBuffer('XRANGE', this.#key, this.#next, '+', 'COUNT', STEP);
      this.#add(page as RawEntry[]);
      if ((page as RawEntry[]).length < STEP) return;
    }
  }

  #add(entries: readonly RawEntry[]): void {
    for (const [id, fields] of entries) {
      this.#next = `(${id}`;
      this.received.push({ fields: fieldsOf(fields, this.#as), at: `entry ${id}`, seen: clock().now() });
    }
  }

  /** Waits for entries until nobody listens any more. */
  async #read(): Promise<void> {
    if (this.#listeners.size === 0 || this.#reader !== undefined) return;
    const stop = new AbortController();
    this.#reader = stop;
    let redis: Redis | undefined;
    while (!stop.signal.aborted) {
      try {
        redis ??= await this.#connect(stop.signal);
        if (stop.signal.aborted) break;
        const after = this.#next.startsWith('(') ? this.#next.slice(1) : before(this.#next);
        const reply = await redis.callBuffer('XREAD', 'COUNT', STEP, 'BLOCK', BLOCK, 'STREAMS', this.#key, after);
        this.#trouble = undefined;
        if (stop.signal.aborted || reply === null) continue;
        this.#add((reply as [Buffer, RawEntry[]][])[0]![1]);
        for (const listener of this.#listeners) listener();
      } catch (error) {
        if (stop.signal.aborted) break;
        if (redis) this.#store.client.release(redis);
        redis = undefined;
        this.#trouble ??= { error: this.#store.client.told(error, 'Reading the stream'), since: clock().now() };
        await pause(RETRY);
      }
    }
    if (redis) this.#store.client.release(redis);
  }

  async #connect(signal: AbortSignal): Promise<Redis> {
    const { client } = this.#store;
    const { commandTimeout = 10_000 } = client.options;
    const redis = await client.extra({ protocol: 2, commandTimeout: BLOCK + commandTimeout });
    signal.addEventListener('abort', () => client.release(redis), { once: true });
    return redis;
  }
}

type RawEntry = [id: Buffer, fields: Buffer[]];

/** The greatest id that is smaller. */
function before(id: string): string {
  const [ms = '0', sequence = '0'] = id.split('-');
  if (sequence !== '0') return `${ms}-${BigInt(sequence) - 1n}`;
  return ms === '0' ? '0-0' : `${BigInt(ms) - 1n}-18446744073709551615`;
}
