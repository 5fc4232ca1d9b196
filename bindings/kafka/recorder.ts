/**
 * Reads topics without a consumer group, from the ends that they had when the file opened. The system under test sees
 * nothing of it. Positions are kept for each partition, so that whatever happens to brokers, a message is recorded
 * once: what cannot be is told as a loss.
 */
import type { PartitionMetadata } from 'kafkajs';
import { clock } from '../core/clock.ts';
import { keepAlive, type WireCluster } from './cluster.ts';
import type { CompressionTable } from './compression/index.ts';
import { Directory } from './directory.ts';
import { type Away, FetchLoops, type Position } from './fetch-loops.ts';
import { type OffsetsFound, offsetsOf } from './offsets.ts';
import { BrokerError, NO_LEADER } from './protocol/errors.ts';
import type { Fetched } from './protocol/fetch.ts';
import { EARLIEST, LATEST } from './protocol/offsets.ts';
import { readMessages } from './read-batches.ts';
import { type Bounds, TopicLog } from './topic-log.ts';

/** New topics, partitions and leaders are looked for this often, ms; more often while a followed topic is missing. */
const REFRESH = 1000;
const REFRESH_MISSING = 50;
/** Leaders are found again within this time, or their brokers are away, ms; the second: where only some are missing. */
const PATIENCE = 2000;
const FEW_PATIENCE = 500;
/** Instead of a leader: the partition is no more. */
const GONE = -2;
/** Most that one answer brings of a partition, bytes. */
const PARTITION_BYTES = 1 << 20;

/** End offsets, by `topic/partition`; what is not in it did not exist. */
export interface Mark {
  readonly ends: ReadonlyMap<string, bigint>;
  /** How often each topic had been made again. */
  readonly generations: ReadonlyMap<string, number>;
}

interface Marked {
  readonly ends: Map<string, bigint>;
  /** Partitions that are there, but whose end nobody could tell. */
  readonly unknown: readonly string[];
}

export class Recorder {
  readonly #cluster: WireCluster;
  readonly #bounds: Bounds;
  readonly #codecs: CompressionTable;
  readonly #loops: FetchLoops;
  readonly #directory = new Directory();
  readonly #logs = new Map<string, TopicLog>();
  readonly #positions = new Map<string, Position>();
  /** Called when positions have moved. */
  readonly #readers = new Set<() => void>();
  #pins: { ends: Map<string, bigint>; generations: Map<string, number> } = { ends: new Map(), generations: new Map() };
  /** Partitions that were there when the file opened, but nobody could say where they end. */
  readonly #unpinned = new Set<string>();
  #refreshing: Promise<void> | undefined;
  #queued: Promise<void> | undefined;
  #timer: NodeJS.Timeout | undefined;
  /** A followed topic is missing. */
  #isHurried = false;
  #refreshedAt = 0;
  /** Why the brokers could not be asked who leads what. */
  #lost: Away | undefined;
  #closed = false;

  /** @param codecs kafkajs's `CompressionCodecs`, for messages that are compressed */
  constructor(cluster: WireCluster, bounds: Bounds, codecs: CompressionTable = {}) {
    this.#cluster = cluster;
    this.#bounds = bounds;
    this.#codecs = codecs;
    this.#loops = new FetchLoops(cluster, {
      positionsOf: (node) => [...this.#positions.values()].filter(({ leader }) => `${leader}` === node),
      isCurrent: (position) => this.#positions.get(keyOf(position)) === position,
      fetched: (position, answer) => this.#record(position, answer),
      outOfRange: (positions) => this.#correct(positions),
      refresh: () => this.refresh(),
    });
  }

  /**
   * When it has resolved, no message that is sent afterwards is missed. Also after `renew()`.
   *
   * @throws what kafkajs says when no broker can be reached
   */
  async open(topics: readonly string[]): Promise<void> {
    await this.#cluster.connect();
    keepAlive(this.#cluster, true);
    const { ends, unknown } = await this.#firstMark();
    this.#pins = { ends: new Map(ends), generations: new Map(this.#directory.generations) };
    for (const key of unknown) this.#unpinned.add(key);
    for (const topic of topics) this.follow(topic);
    this.#schedule();
  }

  get pins(): Mark {
    return this.#pins;
  }

  get topics(): readonly string[] {
    return this.#directory.topics;
  }

  /** Of the topics that are recorded. */
  get logs(): readonly TopicLog[] {
    return [...this.#logs.values()];
  }

  partitions(topic: string): readonly PartitionMetadata[] {
    return this.#directory.partitions(topic);
  }

  /** The topic's id; undefined where the brokers have none. */
  idOf(topic: string): string | undefined {
    return this.#directory.id(topic);
  }

  /** Since when no broker answers, and why. */
  get away(): Away | undefined {
    return this.#loops.isIdle ? this.#lost : this.#loops.away;
  }

  /** Since when something of a topic cannot be read, and why: one of its leaders does not answer or let it be read. */
  awayFrom(topic: string): Away | undefined {
    for (const { leader, trouble } of this.#positionsOf(topic)) {
      const away = this.#loops.awayOf(`${leader}`) ?? trouble;
      if (away) return away;
    }
    return this.away;
  }

  /** When a broker last answered a fetch, ms of the clock. */
  get answeredAt(): number {
    return this.#loops.answeredAt;
  }

  /** What explains that a topic shows less than one expects, in words: an open transaction, a topic made again. */
  hints(topic: string): string[] {
    const open = this.#positionsOf(topic).filter(({ stable, high }) => stable < high);
    const hidden = open.map(
      ({ partition, stable, high }) =>
        `an open transaction hides what lies from offset ${stable} to ${high - 1n} of partition ${partition}, until it ends`,
    );
    return [...(this.#logs.get(topic)?.hints ?? []), ...hidden];
  }

  /** Records the topic from its pin on, if it does not yet. */
  follow(topic: string): TopicLog {
    const found = this.#logs.get(topic);
    if (found) return found;
    const log = new TopicLog(topic, this.#bounds);
    log.generation = this.#directory.generation(topic);
    this.#logs.set(topic, log);
    this.#place(log);
    if (this.#timer && !this.topics.includes(topic)) this.#schedule();
    return log;
  }

  /**
   * Where all topics end now, high watermarks; metadata is read before. A partition whose leader does not answer ends
   * where it has been read to.
   *
   * @throws where no leader answers
   */
  async mark(): Promise<Mark> {
    const ends = await this.#mark();
    return { ends, generations: new Map(this.#directory.generations) };
  }

  /**
   * Offsets of `topic/partition`: ends, or first ones. `stable`: the last stable offset instead of the high watermark.
   * Partitions that were made a moment ago are among them.
   *
   * @throws BrokerError and what kafkajs says, where one of the topics' leaders does not answer; `retriable`: soon over
   */
  async list(
    topics: readonly string[],
    at: typeof LATEST | typeof EARLIEST,
    stable = false,
  ): Promise<Map<string, bigint>> {
    const [{ found, failed }] = await Promise.all([this.#list(topics, at, stable), this.#readMetadata(topics)]);
    const others = await this.#list(topics, at, stable, (key) => !found.has(key) && !failed.has(key));
    for (const error of [...failed.values(), ...others.failed.values()]) throw error;
    return new Map([...found, ...others.found]);
  }

  /**
   * Resolves once all followed partitions of `ends` (by `topic/partition`) have been read up to there. One that is gone
   * has nothing left to read.
   *
   * @throws the reason of `signal`
   */
  async readTo(ends: ReadonlyMap<string, bigint>, signal: AbortSignal): Promise<void> {
    const positions = [...ends].map(([key, end]) => ({ key, end, position: this.#positions.get(key) }));
    const isRead = () =>
      this.#closed ||
      positions.every(
        ({ key, end, position }) => !position || position.offset >= end || this.#positions.get(key) !== position,
      );
    if (isRead()) return;
    await new Promise<void>((resolve, reject) => {
      const settle = () => {
        if (!signal.aborted && !isRead()) return;
        this.#readers.delete(settle);
        signal.removeEventListener('abort', settle);
        if (signal.aborted) reject(signal.reason);
        else resolve();
      };
      this.#readers.add(settle);
      signal.addEventListener('abort', settle, { once: true });
      settle();
    });
  }

  /**
   * Reads the metadata, from now on: what is under way may have been asked before.
   *
   * @param topic only of this one, which is cheaper
   */
  refresh(topic?: string): Promise<void> {
    if (topic !== undefined) return this.#readMetadata([topic]);
    if (!this.#refreshing) return this.#refresh();
    const go = () => {
      this.#queued = undefined;
      return this.#refresh();
    };
    this.#queued ??= this.#refreshing.then(go, go);
    return this.#queued;
  }

  /** The topic is gone: one of the same name starts anew. */
  forget(topic: string): void {
    this.#directory.forget(topic);
    this.#restart(topic);
  }

  /**
   * Forgets all that it has recorded, and stops; connections stay open, but keep no process alive. `open()` takes it up
   * again, for another file.
   */
  renew(): void {
    clock().clearTimeout(this.#timer);
    this.#timer = undefined;
    // They end when the answers that are under way have come, and take nothing from them.
    void this.#loops.stop();
    this.#positions.clear();
    this.#logs.clear();
    this.#unpinned.clear();
    this.#directory.clear();
    this.#pins = { ends: new Map(), generations: new Map() };
    this.#moved();
    keepAlive(this.#cluster, false);
  }

  /** Its sockets must be destroyed by the caller: what waits for them ends then. */
  async close(): Promise<void> {
    this.#closed = true;
    clock().clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#moved();
    await this.#loops.stop();
  }

  #positionsOf(topic: string): Position[] {
    return [...this.#positions.values()].filter((position) => position.topic === topic);
  }

  #moved(): void {
    for (const reader of this.#readers) reader();
  }

  /**
   * Waits for leaders: a topic that was just made soon has them, and a cluster that is starting or has lost its only
   * broker for a moment. One that is away must not hold up a file.
   */
  async #firstMark(): Promise<Marked> {
    const start = clock().now();
    for (;;) {
      await this.refresh();
      const { found, failed } = await this.#list(this.topics, LATEST);
      const errors = [...failed.values()];
      const isPassing = errors.some((error) => error instanceof BrokerError && error.retriable);
      const patience = found.size === 0 ? PATIENCE : FEW_PATIENCE;
      if (!isPassing || this.#closed || clock().now() - start > patience) {
        if (found.size === 0 && errors.length > 0) throw errors[0];
        return { ends: found, unknown: [...failed.keys()] };
      }
      await new Promise<void>((resolve) => clock().setTimeout(resolve, REFRESH_MISSING));
    }
  }

  async #mark(): Promise<Map<string, bigint>> {
    await this.refresh();
    const { found, failed } = await this.#list(this.topics, LATEST);
    if (found.size === 0) for (const error of failed.values()) throw error;
    for (const key of failed.keys()) {
      const position = this.#positions.get(key);
      if (position) found.set(key, position.offset);
    }
    return found;
  }

  #list(
    topics: readonly string[],
    at: string,
    stable = false,
    isWanted: (key: string) => boolean = () => true,
  ): Promise<OffsetsFound> {
    const partitions = topics.flatMap((topic) =>
      this.partitions(topic).map(({ partitionId, leader }) => ({ topic, partition: partitionId, leader })),
    );
    const wanted = partitions.filter((partition) => isWanted(keyOf(partition)));
    return offsetsOf(this.#cluster, wanted, at, stable);
  }

  #refresh(): Promise<void> {
    this.#refreshing = this.#readMetadata().finally(() => {
      this.#refreshing = undefined;
    });
    return this.#refreshing;
  }

  async #readMetadata(names?: readonly string[]): Promise<void> {
    try {
      const { remade } = await this.#directory.read(this.#cluster, names);
      this.#lost = undefined;
      if (this.#closed) return;
      for (const topic of remade) this.#remade(topic);
    } catch (error) {
      this.#lost = { since: this.#lost?.since ?? clock().now(), error };
      throw error;
    }
    if (!names) this.#refreshedAt = clock().now();
    if (this.#unpinned.size > 0) await this.#pinLate();
    for (const log of this.#logs.values()) this.#place(log);
    if (this.#timer && !this.#isHurried && this.#missing().length > 0) this.#schedule();
  }

  /** Sees that all partitions of a topic are read, from where they are led. */
  #place(log: TopicLog): void {
    const known = new Map(this.partitions(log.topic).map(({ partitionId, leader }) => [partitionId, leader]));
    for (const [partition, leader] of known) {
      const key = `${log.topic}/${partition}`;
      const position = this.#positions.get(key);
      if (position) this.#led(position, leader);
      else if (!this.#unpinned.has(key)) this.#positions.set(key, this.#newPosition(log, partition, leader));
      if (leader >= 0 && this.#positions.has(key) && !this.#closed) this.#loops.start(`${leader}`);
    }
    for (const position of this.#positionsOf(log.topic)) if (!known.has(position.partition)) position.leader = GONE;
  }

  #led(position: Position, leader: number): void {
    if (position.leader === leader) return;
    position.leader = leader;
    position.trouble = leaderless(leader);
    position.pausedUntil = 0;
  }

  #newPosition({ topic, generation }: TopicLog, partition: number, leader: number): Position {
    const isPinned = generation === (this.#pins.generations.get(topic) ?? 0);
    const offset = (isPinned && this.#pins.ends.get(`${topic}/${partition}`)) || 0n;
    return {
      topic,
      id: this.#directory.id(topic),
      partition,
      offset,
      leader,
      isBusy: false,
      pausedUntil: 0,
      failures: 0,
      trouble: leaderless(leader),
      maxBytes: PARTITION_BYTES,
      high: offset,
      stable: offset,
    };
  }

  async #record(position: Position, answer: Fetched): Promise<void> {
    position.high = answer.highWatermark;
    position.stable = answer.lastStableOffset;
    if (!answer.records?.length) return;
    const log = this.#logs.get(position.topic)!;
    const reading = {
      generation: log.generation,
      from: position.offset,
      seen: clock().now(),
      codecs: this.#codecs,
    };
    position.isBusy = true;
    try {
      const { messages, next } = await readMessages(answer, reading);
      if (this.#positions.get(keyOf(position)) !== position) return;
      // Not even one batch had room: the next answer may be larger.
      if (next === undefined) position.maxBytes = Math.min(position.maxBytes * 2, 1 << 30);
      else if (next > position.offset) position.offset = next;
      if (messages.length > 0) log.append(messages);
    } finally {
      position.isBusy = false;
    }
    this.#moved();
  }

  /** Positions that lie before what the broker keeps, or behind its end. */
  async #correct(positions: readonly Position[]): Promise<void> {
    const topics = [...new Set(positions.map(({ topic }) => topic))];
    const [first, ends] = await Promise.all([this.#list(topics, EARLIEST), this.#list(topics, LATEST)]);
    for (const position of positions) {
      const key = keyOf(position);
      const [start, end] = [first.found.get(key), ends.found.get(key)];
      const log = this.#logs.get(position.topic);
      if (start === undefined || end === undefined || !log || this.#positions.get(key) !== position) continue;
      const { partition, offset } = position;
      if (offset < start) {
        log.losses.push(
          `Offsets ${offset} to ${start - 1n} of partition ${partition} were deleted before they could be recorded`,
        );
        position.offset = start;
      } else if (offset > end && position.id !== undefined) {
        // The same topic, by its id: its leader has lost what this recorder had read.
        log.hints.push(
          `partition ${partition} went back from offset ${offset} to ${end}: its new leader has less of it`,
        );
        position.offset = end;
      } else if (offset > end) {
        this.#directory.restart(position.topic);
        this.#remade(position.topic);
        this.#place(log);
      } else continue;
      position.pausedUntil = 0;
      log.wake();
    }
    this.#moved();
  }

  /** Somebody has deleted a topic, and made it again or not. */
  #remade(topic: string): void {
    const log = this.#logs.get(topic);
    const unread = this.#positionsOf(topic).filter(({ offset, high }) => offset < high);
    const what = unread.map(({ partition, offset, high }) => `${offset} to ${high - 1n} of partition ${partition}`);
    if (log && unread.length > 0)
      log.losses.push(`The topic was deleted before offsets ${what.join(', ')} could be recorded`);
    else log?.hints.push('the topic was deleted and made again: what was sent right before that may not be recorded');
    this.#restart(topic);
    log?.wake();
  }

  #restart(topic: string): void {
    for (const position of this.#positionsOf(topic)) this.#positions.delete(keyOf(position));
    for (const key of this.#unpinned) if (key.startsWith(`${topic}/`)) this.#unpinned.delete(key);
    const log = this.#logs.get(topic);
    if (log) log.generation = this.#directory.generation(topic);
    this.#moved();
  }

  /** Pins what had no leader when the file opened, as soon as it has one: until then nothing could be sent to it. */
  async #pinLate(): Promise<void> {
    const topics = new Set([...this.#unpinned].map((key) => key.slice(0, key.lastIndexOf('/'))));
    const { found } = await this.#list([...topics], LATEST);
    for (const [key, end] of found) {
      if (!this.#unpinned.delete(key)) continue;
      this.#pins.ends.set(key, end);
      const slash = key.lastIndexOf('/');
      this.#logs
        .get(key.slice(0, slash))
        ?.losses.push(
          `Partition ${key.slice(slash + 1)} had no leader when the file opened; it is recorded from offset ${end} on, where it ended when it had one again`,
        );
    }
  }

  /** Topics that are recorded as soon as they are there. */
  #missing(): string[] {
    const there = new Set(this.topics);
    return [...this.#logs.keys()].filter((topic) => !there.has(topic));
  }

  #schedule(): void {
    clock().clearTimeout(this.#timer);
    if (this.#closed) return;
    const missing = this.#missing();
    this.#isHurried = missing.length > 0;
    this.#timer = clock().setTimeout(
      () => {
        const isDue = clock().now() - this.#refreshedAt >= REFRESH || missing.length === 0;
        const timer = this.#timer;
        (isDue ? this.refresh() : this.#readMetadata(missing))
          // What it failed with is kept: `away`.
          .catch(() => undefined)
          .finally(() => {
            if (this.#timer === timer) this.#schedule();
          });
      },
      this.#isHurried ? REFRESH_MISSING : REFRESH,
    );
    this.#timer.unref();
  }
}

function leaderless(leader: number): Away | undefined {
  return leader < 0 ? { since: clock().now(), error: new BrokerError(NO_LEADER) } : undefined;
}

function keyOf({ topic, partition }: { topic: string; partition: number }): string {
  return `${topic}/${partition}`;
}
