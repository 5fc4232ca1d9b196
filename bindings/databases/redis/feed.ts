/**
 * Tells of keys that change, whoever changes them, where the server has client-side caching with broadcasts (CLIENT
 * TRACKING … BCAST). Nothing is written to the keys, and no setting of the server is touched.
 *
 * ioredis hands these on in RESP2 only: one connection listens, another one has them sent there.
 */
import type { Redis } from 'ioredis';
import type { RedisClient } from './client.ts';
import { isUnsupported } from './errors.ts';

/** Keys by the text of their bytes; undefined: any key may have changed. */
export type Changed = ReadonlySet<KeyName> | undefined;

/** The bytes of a key as text in which each character is one of them: names in sets and maps, whatever they hold. */
export type KeyName = string;

export function nameOf(key: Buffer | string): KeyName {
  return typeof key === 'string' ? Buffer.from(key).toString('latin1') : key.toString('latin1');
}

export function bytesOf(name: KeyName): Buffer {
  return Buffer.from(name, 'latin1');
}

const CHANNEL = '__redis__:invalidate';
/** So many prefixes that nobody follows any more may be left with the server. */
const STALE = 64;

interface Follower {
  prefix: KeyName;
  tell(keys: Changed): void;
}

interface Live {
  listener: Redis;
  control: Redis;
  id: number;
  /** What the server tells of: none of them begins with another. */
  prefixes: Set<KeyName>;
}

export class KeyFeed {
  readonly #client: RedisClient;
  readonly #followers = new Set<Follower>();
  #live: Promise<Live | undefined> | undefined;
  #isAlive = false;
  #isSupported = true;

  constructor(client: RedisClient) {
    this.#client = client;
  }

  /** Whether what is followed is told of, now. */
  get isAlive(): boolean {
    return this.#isAlive;
  }

  /**
   * From when it resolves, `tell` is called with the keys below `prefix` that were written, removed or have expired.
   *
   * @returns what ends that; undefined where the server has no such thing
   */
  async follow(prefix: string, tell: (keys: Changed) => void): Promise<(() => void) | undefined> {
    if (!this.#isSupported || this.#client.isCluster) return undefined;
    const follower = { prefix: nameOf(prefix), tell };
    this.#followers.add(follower);
    try {
      this.#live ??= this.#connect();
      const live = await this.#live;
      if (live === undefined) throw new Error('It broke at once.');
      await this.#cover(live, follower.prefix);
      return () => this.#followers.delete(follower);
    } catch (error) {
      this.#followers.delete(follower);
      if (isUnsupported(error)) this.#isSupported = false;
      if (!this.#isAlive || !this.#isSupported) await this.#giveUp();
      // Who wanted to be told looks again and again instead, and meets whatever ails the server.
      return undefined;
    }
  }

  /** A connection whose own writes are not told of; undefined where nothing is. */
  async silent(): Promise<Redis | undefined> {
    return this.#isAlive ? (await this.#live)?.control : undefined;
  }

  /** Resolves when all that had been written when it was called has been told. */
  async settled(): Promise<void> {
    await (await this.#live)?.listener.ping();
  }

  close(): void {
    this.#followers.clear();
    this.#isAlive = false;
    this.#live = undefined;
  }

  async #connect(): Promise<Live> {
    const [listener, control] = await Promise.all([
      this.#client.extra({ protocol: 2 }),
      this.#client.extra({ protocol: 2 }),
    ]);
    const live: Live = { listener, control, id: await listener.client('ID'), prefixes: new Set() };
    listener.on('messageBuffer', (_channel: Buffer, keys: unknown) => this.#told(keys));
    await listener.subscribe(CHANNEL);
    for (const redis of [listener, control]) redis.once('close', () => this.#broken(live));
    if (listener.status !== 'ready' || control.status !== 'ready') throw new Error('It broke at once.');
    this.#isAlive = true;
    return live;
  }

  async #giveUp(): Promise<void> {
    // What it failed with has been met by who asked.
    const live = await this.#live?.catch(() => undefined);
    this.#isAlive = false;
    this.#live = undefined;
    if (live) for (const redis of [live.listener, live.control]) this.#client.release(redis);
  }

  async #cover(live: Live, prefix: KeyName): Promise<void> {
    const { prefixes } = live;
    if ([...prefixes].some((known) => prefix.startsWith(known))) return;
    const overlaps = [...prefixes].some((known) => known.startsWith(prefix));
    if (!overlaps && prefixes.size < STALE) {
      prefixes.add(prefix);
      await this.#track(live, [prefix]);
      return;
    }
    // The server takes no overlapping prefixes, and forgets none but all at once.
    await live.control.client('TRACKING', 'OFF');
    prefixes.clear();
    for (const wanted of outermost([...this.#followers].map((follower) => follower.prefix))) prefixes.add(wanted);
    await this.#track(live, [...prefixes]);
    for (const { tell } of this.#followers) tell(undefined);
  }

  async #track({ control, id }: Live, prefixes: readonly KeyName[]): Promise<void> {
    const named = prefixes.flatMap((prefix) => ['PREFIX', bytesOf(prefix)]);
    await control.call('CLIENT', 'TRACKING', 'ON', 'REDIRECT', id, 'BCAST', 'NOLOOP', ...named);
  }

  #told(keys: unknown): void {
    if (!Array.isArray(keys)) {
      for (const { tell } of this.#followers) tell(undefined);
      return;
    }
    const names = (keys as Buffer[]).map(nameOf);
    for (const { prefix, tell } of this.#followers) {
      const own = prefix === '' ? names : names.filter((name) => name.startsWith(prefix));
      if (own.length > 0) tell(new Set(own));
    }
  }

  #broken({ listener, control }: Live): void {
    if (!this.#isAlive) return;
    this.#isAlive = false;
    this.#live = undefined;
    this.#client.release(listener);
    this.#client.release(control);
    for (const { tell } of this.#followers) tell(undefined);
    this.#followers.clear();
  }
}

/** Without those that begin with another one. */
function outermost(prefixes: readonly KeyName[]): KeyName[] {
  const all = [...new Set(prefixes)];
  return all.filter((prefix) => !all.some((other) => other !== prefix && prefix.startsWith(other)));
}
