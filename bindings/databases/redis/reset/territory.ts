/** What a reset may touch, and how keys in it are looked up, kept and put back. */
import type { Redis } from 'ioredis';
import { clock } from '../../../core/clock.ts';
import type { RedisClient } from '../client.ts';
import { isUnsupported } from '../errors.ts';
import { bytesOf, type KeyName, nameOf } from '../feed.ts';
import { globOf, scanNode } from '../scan.ts';
import { answers } from '../store.ts';

/** A key as a baseline keeps it. */
export interface Saved {
  dump: Buffer;
  /** When it expires, ms of the clock; undefined: never. */
  expires: number | undefined;
  /** Its groups move on without a word of it. */
  isStream: boolean;
}

/** Of each database the keys; null: there was none of that name. */
export type Contents = Map<number, Map<KeyName, Saved | null>>;

/** Keys of one pipeline. */
const PAGE = 1000;

export class Territory {
  readonly #client: RedisClient;
  /** undefined: the whole server is ours. */
  readonly prefixes: readonly string[] | undefined;
  #own: Redis | undefined;
  #selected: { redis: Redis; db: number } | undefined;

  constructor(client: RedisClient, prefixes: readonly string[] | undefined) {
    this.#client = client;
    this.prefixes = prefixes;
  }

  /** Databases that have keys which may be ours. */
  async databases(): Promise<number[]> {
    if (this.prefixes !== undefined) return [this.#client.options.address!.db];
    const info = await (await this.#redis()).info('keyspace');
    return [...info.matchAll(/^db(\d+):keys=(\d+)/gm)].filter(([, , keys]) => keys !== '0').map(([, db]) => Number(db));
  }

  /** Names of all keys in it. */
  async names(db: number): Promise<KeyName[]> {
    const redis = await this.#select(db);
    const found = new Set<KeyName>();
    for (const prefix of this.prefixes ?? ['']) {
      for await (const page of scanNode(redis, `${globOf(prefix)}*`)) for (const key of page) found.add(nameOf(key));
    }
    return [...found];
  }

  /** Keys as they are now. */
  async save(db: number, names: readonly KeyName[]): Promise<Map<KeyName, Saved | null>> {
    const redis = await this.#select(db);
    const saved = new Map<KeyName, Saved | null>();
    for (const page of pages(names)) {
      const ask = redis.pipeline();
      for (const name of page) ask.callBuffer('DUMP', bytesOf(name)).pttl(bytesOf(name)).type(bytesOf(name));
      const results = answers(await ask.exec());
      for (const [index, name] of page.entries()) {
        const [dump, ttl, type] = results.slice(3 * index, 3 * index + 3) as [Buffer | null, number, string];
        const expires = ttl >= 0 ? clock().now() + ttl : undefined;
        saved.set(name, dump === null ? null : { dump, expires, isStream: type === 'stream' });
      }
    }
    return saved;
  }

  /** Removes keys, or puts them back where there is something to put back. */
  async restore(db: number, names: readonly KeyName[], saved: (name: KeyName) => Saved | undefined): Promise<void> {
    const redis = await this.#select(db);
    for (const page of pages(names)) {
      const ask = redis.pipeline();
      const now = clock().now();
      const gone: Buffer[] = [];
      for (const name of page) {
        const { dump, expires } = saved(name) ?? {};
        if (dump === undefined || (expires !== undefined && expires <= now)) gone.push(bytesOf(name));
        else ask.restore(bytesOf(name), expires === undefined ? 0 : Math.ceil(expires - now), dump, 'REPLACE');
      }
      if (gone.length > 0) ask.unlink(...gone);
      answers(await ask.exec());
    }
  }

  /** Removes all that is in it. */
  async empty(): Promise<void> {
    if (this.prefixes === undefined) {
      const redis = await this.#redis();
      // Some servers would do it in the background, and remove what is written next.
      await redis.call('FLUSHALL', 'SYNC').catch(async (error: unknown) => {
        if (!isUnsupported(error)) throw error;
        await redis.flushall();
      });
      return;
    }
    for (const db of await this.databases()) await this.restore(db, await this.names(db), () => undefined);
  }

  close(): void {
    if (this.#own) this.#client.release(this.#own);
    this.#own = undefined;
  }

  async #select(db: number): Promise<Redis> {
    const redis = await this.#redis();
    if (this.#client.isCluster) return redis;
    if (this.#selected?.redis !== redis || this.#selected.db !== db) await redis.select(db);
    this.#selected = { redis, db };
    return redis;
  }

  /** What it writes must not be told of as if a test had written it. */
  async #redis(): Promise<Redis> {
    const silent = await this.#client.feed.silent();
    if (silent !== undefined) return silent;
    if (this.#own?.status !== 'ready') {
      if (this.#own) this.#client.release(this.#own);
      this.#own = await this.#client.extra();
    }
    return this.#own;
  }
}

function pages(names: readonly KeyName[]): KeyName[][] {
  return Array.from({ length: Math.ceil(names.length / PAGE) }, (_, index) =>
    names.slice(index * PAGE, (index + 1) * PAGE),
  );
}
