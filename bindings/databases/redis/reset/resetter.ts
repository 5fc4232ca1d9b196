/**
 * Brings keys back to their baseline: those that the server told of as changed, whoever changed them; all of them where
 * it cannot tell. Its cost grows with what a test has written, not with what is there.
 */
import type { Resetter } from '../../../core/binding.ts';
import { QaError } from '../../../core/errors.ts';
import { orAborted } from '../../../core/operation.ts';
import type { RedisClient } from '../client.ts';
import type { KeyName } from '../feed.ts';
import type { Lock } from './lock.ts';
import { takeMarks } from './marks.ts';
import type { Contents, Saved, Territory } from './territory.ts';

/** What a baseline holds beyond the outer ones. */
interface Level {
  contents: Contents;
  /** It holds all keys there were: one that it lacks was not there. */
  isWhole: boolean;
}

export class KeysResetter implements Resetter {
  readonly #client: RedisClient;
  readonly #territory: Territory;
  readonly #lock: Lock | undefined;
  readonly #levels: Level[] = [];
  /** Written since the innermost baseline; undefined: any key may be. */
  #dirty: Set<KeyName> | undefined;
  #isFollowing = false;
  #stops: (() => void)[] = [];

  constructor(client: RedisClient, territory: Territory, lock: Lock | undefined) {
    this.#client = client;
    this.#territory = territory;
    this.#lock = lock;
  }

  async reset(signal: AbortSignal): Promise<void> {
    await this.#bounded('Bringing the keys back to their baseline', signal, async () => {
      const { dirty, databases } = await this.#take();
      const mark = () => takeMarks(this.#client, signal, { keeps: false });
      try {
        const undoing = dirty === undefined ? this.#resetAll(databases) : this.#resetSome(dirty, databases);
        // Where streams end is known once they are as they were; the time is known at once.
        if (this.#client.streams.size === 0) await Promise.all([undoing, mark()]);
        else await undoing.then(mark);
      } catch (error) {
        this.#dirty = undefined;
        throw error;
      }
    });
  }

  async push(signal: AbortSignal): Promise<void> {
    await this.#bounded('Keeping the keys of a baseline', signal, async () => {
      const { dirty, databases } = await this.#take();
      const contents: Contents = new Map();
      for (const db of databases) {
        const names = dirty === undefined ? await this.#territory.names(db) : [...dirty];
        if (names.length > 0) contents.set(db, await this.#territory.save(db, names));
      }
      this.#levels.push({ contents, isWhole: dirty === undefined });
      await takeMarks(this.#client, signal, { keeps: true });
    });
  }

  pop(): void {
    const level = this.#levels.pop();
    if (level?.isWhole) this.#dirty = undefined;
    for (const names of level?.contents.values() ?? []) for (const name of names.keys()) this.#dirty?.add(name);
  }

  /** A lock is given back with the file: nobody would do it when the process ends. */
  renew(): boolean {
    if (this.#lock) return false;
    while (this.#levels.length > 0) this.pop();
    return true;
  }

  async close(): Promise<void> {
    this.#unfollow();
    this.#territory.close();
    await this.#lock?.release();
  }

  /** What is dirty by now, and where; from here on it is noted anew. */
  async #take(): Promise<{ dirty: Set<KeyName> | undefined; databases: number[] }> {
    this.#lock?.check();
    const { feed } = this.#client;
    if (!this.#isFollowing) await this.#follow();
    const [databases] = await Promise.all([this.#databases(), feed.settled()]);
    const dirty = this.#dirty;
    this.#dirty = this.#isFollowing ? new Set() : undefined;
    return { dirty, databases };
  }

  async #follow(): Promise<void> {
    this.#unfollow();
    this.#dirty = undefined;
    const tell = (keys: ReadonlySet<KeyName> | undefined) => {
      if (keys !== undefined) {
        for (const key of keys) this.#dirty?.add(key);
        return;
      }
      // All was flushed, or what told of it broke: then it must be asked again.
      this.#dirty = undefined;
      this.#isFollowing = false;
    };
    const { prefixes = [''] } = this.#territory;
    const followed = await Promise.all(prefixes.map((prefix) => this.#client.feed.follow(prefix, tell)));
    this.#stops = followed.filter((stop) => stop !== undefined);
    this.#isFollowing = this.#stops.length === prefixes.length;
  }

  #unfollow(): void {
    for (const stop of this.#stops.splice(0)) stop();
  }

  async #resetSome(dirty: ReadonlySet<KeyName>, databases: readonly number[]): Promise<void> {
    const names = new Set(dirty);
    for (const { contents } of this.#levels)
      for (const saved of contents.values()) for (const [name, one] of saved) if (one?.isStream) names.add(name);
    if (names.size === 0) return;
    for (const db of databases) await this.#territory.restore(db, [...names], (name) => this.#saved(db, name));
  }

  async #resetAll(databases: readonly number[]): Promise<void> {
    if (databases.length === 0) return;
    await this.#territory.empty();
    for (const db of databases) {
      const names = new Set(this.#levels.flatMap(({ contents }) => [...(contents.get(db)?.keys() ?? [])]));
      const kept = [...names].filter((name) => this.#saved(db, name) !== undefined);
      await this.#territory.restore(db, kept, (name) => this.#saved(db, name));
    }
  }

  /** Those that hold something now, or did in a baseline. */
  async #databases(): Promise<number[]> {
    const kept = this.#levels.flatMap(({ contents }) => [...contents.keys()]);
    return [...new Set([...(await this.#territory.databases()), ...kept])];
  }

  /** The key as the innermost baseline has it; undefined: there was none. */
  #saved(db: number, name: KeyName): Saved | undefined {
    for (const { contents, isWhole } of this.#levels.toReversed()) {
      const saved = contents.get(db)?.get(name);
      if (saved !== undefined) return saved ?? undefined;
      if (isWhole) return undefined;
    }
    return undefined;
  }

  async #bounded(doing: string, signal: AbortSignal, work: () => Promise<void>): Promise<void> {
    try {
      await orAborted(work(), signal);
    } catch (error) {
      if (signal.aborted && error === signal.reason) throw error;
      const told = this.#client.told(error, doing);
      if (told.code !== 'QA_QUERY_FAILED') throw told;
      const { connection, address, redact } = this.#client.place;
      throw new QaError('QA_RESET_FAILED', {
        what: `${doing} failed: ${redact((error as Error).message)}`,
        mend: 'See whether the user of this connection may run it, and whether the server takes writes',
        connection,
        address,
        cause: error,
      });
    }
  }
}
