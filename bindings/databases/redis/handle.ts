/** What tests see as `qa.<name>`. */
import type { Cluster, Redis } from 'ioredis';
import type { Scope } from '../../core/binding.ts';
import type { MessageSource } from '../../core/messages.ts';
import type { RowSource } from '../../core/source.ts';
import { type ChannelOptions, channelSource } from './channel.ts';
import type { Driver } from './client.ts';
import { keySource, type RedisKey } from './key.ts';
import { type KeyRow, keysSource } from './keys.ts';
import { type SeedOptions, type SeedValue, seed, seedValue } from './seed.ts';
import { type OpenRedis, Store } from './store.ts';
import { type StreamOptions, streamSource } from './stream.ts';

export class RedisHandle {
  readonly #store: Store;

  constructor(opened: () => OpenRedis, scope: Scope) {
    this.#store = new Store(opened, scope);
  }

  /** The real `Redis` of ioredis (its `Cluster`, with `cluster`). It adds no prefix to keys. */
  get client(): Redis {
    return this.#store.redis as Redis;
  }

  /** The same, for connections to a cluster. */
  get cluster(): Cluster {
    return this.#store.redis as Cluster;
  }

  /** The driver's module that the connection uses: `new qa.cache.driver(…)`. */
  get driver(): Driver {
    return this.#store.open.driver as Driver;
  }

  /** The address with its password, as the system under test gets it. */
  get url(): string {
    return this.#store.open.options.address!.url;
  }

  /**
   * A key, for matchers and waiting; the prefix of the config is put before its name.
   *
   * @example
   * await expect(qa.cache.key('order:o-1')).toHaveEntry({ total: '42' });
   * await expect(qa.cache.key('order:o-1')).toHaveEntry({ id: 'o-1' }, { as: 'json', ttl: { atMost: 60_000 } });
   */
  key<Value = unknown>(name: string): RedisKey<Value> {
    return keySource<Value>(this.#store, name);
  }

  /**
   * The keys that fit a pattern of the server (`*`, `?`, `[a-c]`) as rows: `{ key, type, ttl, value }`. All keys of the
   * database are walked over at each look, with SCAN.
   *
   * @example
   * await expect(qa.cache.keys('order:*')).toHaveRowCount(2);
   */
  keys(pattern: string): RowSource<KeyRow> {
    return keysSource(this.#store, pattern);
  }

  /**
   * Writes keys in one pipeline; what was there under their names is replaced. Text, numbers and bytes become strings,
   * objects hashes, lists lists, a Set a set, a Map from members to scores a sorted set. `as` stores all of them
   * otherwise, `ttl` lets them expire; for one of them use `value()`.
   *
   * @throws QaError QA_MISUSE, before anything is written, for what cannot be stored
   * @example
   * await qa.cache.seed({ 'order:o-1': { total: '42' }, 'stock:a': 7, 'tags:o-1': new Set(['new']) });
   * await qa.cache.seed({ 'session:7': { id: 7 } }, { as: 'json', ttl: 60_000 });
   */
  seed(values: Readonly<Record<string, unknown>>, options: SeedOptions = {}): Promise<void> {
    return this.#store.call(this.seed, () => seed(this.#store, values, options));
  }

  /**
   * A value for `seed()` with options of its own.
   *
   * @example
   * await qa.cache.seed({ plain: '1', short: qa.cache.value({ id: 7 }, { as: 'json', ttl: 500 }) });
   */
  value(value: unknown, options: SeedOptions): SeedValue {
    return seedValue(value, options);
  }

  /**
   * A stream as a source of messages: its entries, by their fields.
   *
   * @example
   * await expect(qa.cache.stream('events')).toReceiveMessage({ type: 'paid' });
   */
  stream<Entry extends object = Record<string, unknown>>(
    name: string,
    options: StreamOptions = {},
  ): MessageSource<Entry> {
    return streamSource<Entry>(this.#store, name, options);
  }

  /**
   * A channel of publish and subscribe, or a pattern of channels, as a source of messages. It must be named by
   * `channels` in the config: it is recorded from the file's opening on. The prefix is not put before its name.
   *
   * @example
   * await expect(qa.cache.channel('news')).toReceiveMessage('paid');
   */
  channel<Message = unknown>(name: string, options: ChannelOptions = {}): MessageSource<Message> {
    return channelSource<Message>(this.#store, name, options);
  }
}
