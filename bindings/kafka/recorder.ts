/**
 * Reads topics without a consumer group, from the ends that they had when the file opened. The system under test sees
 * nothing of it. Positions are kept for each partition, so that whatever happens to brokers, a message is recorded
 * once: what cannot be is told as a loss.
 */
import type { PartitionMetadata } from 'kafkajs';
import { clock, pause } from '../core/clock.ts';
import { keepAlive, type WireCluster } from './cluster.ts';
import type { CompressionTable } from './compression/index.ts';
import { Directory } from './directory.ts';
import { type Away, FetchLoops, type Position } from './fetch-loops.ts';
import { type OffsetsFound, offsetsOf } from './offsets.ts';
import { keyOf, Positions, partitionOfKey, topicOfKey } from './positions.ts';
import { BrokerError, NO_LEADER } from './protocol/errors.ts';
import type { Fetched } from './protocol/fetch.ts';
import { EARLIEST, LATEST } from './protocol/offsets.ts';
import { readMessages } from './read-batches.ts';
import { Refresher } from './refresher.ts';
import { type Bounds, TopicLog } from './topic-log.ts';

/** Between two looks for leaders, ms. */
const LOOK = 50;
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
  readonly #refresher: Refresher;
  readonly #directory = new Directory();
  readonly #logs = new Map<string, TopicLog>();
  readonly #positions = new Positions<Position>();
  #pins: { ends: Map<string, bigint>; generations: Map<string, number> } = { ends: new Map(), generations: new Map() };
  /** Partitions that were there when the file opened, but nobody could say where they end. */
  readonly #unpinned = new Set<string>();
  /** Why the brokers could not be asked who leads what. */
  #lost: Away | undefined;
  #closed = false;

  readonly #note: (line: string) => void;

  /**
   * @param codecs kafkajs's `CompressionCodecs`, for messages that are compressed
   * @param note is told what goes wrong while it records, and when that is over
   */
  constructor(
    cluster: WireCluster,
    bounds: Bounds,
    codecs: CompressionTable = {},
    note: (line: string) => void = () => undefined,
  ) {
    this.#note = note;
    this.#cluster = cluster;
    this.#bounds = bounds;
    this.#codecs = codecs;
    this.#refresher = new Refresher(
      (names) => this.#readMetadata(names),
      () => this.#missing(),
    );
    this.#loops = new FetchLoops(cluster, {
      positionsOf: (node) => this.#positions.all.filter(({ leader }) => `${leader}` === node),
      isCurrent: (position) => this.#positions.isCurrent(position),
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
    if (!this.#closed) this.#refresher.start();
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
    for (const { leader, trouble } of this.#positions.of(topic)) {
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
    const open = this.#positions.of(topic).filter(({ stable, high }) => stable < high);
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
    this.#refresher.hurry();
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
  readTo(ends: ReadonlyMap<string, bigint>, signal: AbortSignal): Promise<void> {
    return this.#positions.reach(ends, signal);
  }

  /**
   * Reads the metadata, from now on: what is under way may have been asked before.
   *
   * @param topic only of this one, which is cheaper
   */
  refresh(topic?: string): Promise<void> {
    return topic === undefined ? this.#refresher.now() : this.#readMetadata([topic]);
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
    this.#refresher.stop();
    // They end when the answers that are under way have come, and take nothing from them.
    void this.#loops.stop();
    this.#positions.forget();
    this.#logs.clear();
    this.#unpinned.clear();
    this.#directory.clear();
    this.#pins = { ends: new Map(), generations: new Map() };
    keepAlive(this.#cluster, false);
  }

  /** Its sockets must be destroyed by the caller: what waits for them ends then. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#refresher.stop();
    this.#positions.close();
    await this.#loops.stop();
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
      await pause(LOOK);
    }
  }

  async #mark(): Promise<Map<string, bigint>> {
    await this.refresh();
    const { found, failed } = await this.#list(this.topics, LATEST);
    if (found.size === 0) for (const error of failed.values()) throw error;
    for (const key of failed.keys()) {
      const position = this.#positions.at(key);
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

  async #readMetadata(names?: readonly string[]): Promise<void> {
    try {
      const { remade } = await this.#directory.read(this.#cluster, names);
      if (this.#lost !== undefined) this.#note('the brokers answer again');
      this.#lost = undefined;
      if (this.#closed) return;
      for (const topic of remade) this.#remade(topic);
    } catch (error) {
      if (this.#lost === undefined && !this.#closed)
        this.#note(`no broker tells who leads what: ${(error as Error).message}`);
      this.#lost = { since: this.#lost?.since ?? clock().now(), error };
      throw error;
    }
    if (this.#unpinned.size > 0) await this.#pinLate();
    for (const log of this.#logs.values()) this.#place(log);
    this.#refresher.hurry();
  }

  /** Sees that all partitions of a topic are read, from where they are led. */
  #place(log: TopicLog): void {
    const known = new Map(this.partitions(log.topic).map(({ partitionId, leader }) => [partitionId, leader]));
    for (const [partition, leader] of known) {
      const key = `${log.topic}/${partition}`;
      const position = this.#positions.at(key);
      if (position) this.#led(position, leader);
      else if (!this.#unpinned.has(key)) this.#positions.add(this.#newPosition(log, partition, leader));
      if (leader >= 0 && this.#positions.at(key) && !this.#closed) this.#loops.start(`${leader}`);
    }
    for (const position of this.#positions.of(log.topic)) if (!known.has(position.partition)) position.leader = GONE;
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
      if (!this.#positions.isCurrent(position)) return;
      // Not even one batch had room: the next answer may be larger.
      if (next === undefined) position.maxBytes = Math.min(position.maxBytes * 2, 1 << 30);
      else if (next > position.offset) position.offset = next;
      if (messages.length > 0) log.append(messages);
    } finally {
      position.isBusy = false;
    }
    this.#positions.moved();
  }

  /** Positions that lie before what the broker keeps, or behind its end. */
  async #correct(positions: readonly Position[]): Promise<void> {
    const topics = [...new Set(positions.map(({ topic }) => topic))];
    const [first, ends] = await Promise.all([this.#list(topics, EARLIEST), this.#list(topics, LATEST)]);
    for (const position of positions) {
      const key = keyOf(position);
      const [start, end] = [first.found.get(key), ends.found.get(key)];
      const log = this.#logs.get(position.topic);
      if (start === undefined || end === undefined || !log || !this.#positions.isCurrent(position)) continue;
      const { partition, offset } = position;
      if (offset < start) {
        this.#lose(
          log,
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
    this.#positions.moved();
  }

  /** What has been sent to a topic and will never be seen. */
  #lose(log: TopicLog, what: string): void {
    log.losses.push(what);
    this.#note(`topic ${log.topic}: ${what}`);
  }

  /** Somebody has deleted a topic, and made it again or not. */
  #remade(topic: string): void {
    const log = this.#logs.get(topic);
    const unread = this.#positions.of(topic).filter(({ offset, high }) => offset < high);
    const what = unread.map(({ partition, offset, high }) => `${offset} to ${high - 1n} of partition ${partition}`);
    if (log && unread.length > 0)
      this.#lose(log, `The topic was deleted before offsets ${what.join(', ')} could be recorded`);
    else log?.hints.push('the topic was deleted and made again: what was sent right before that may not be recorded');
    this.#restart(topic);
    log?.wake();
  }

  #restart(topic: string): void {
    this.#positions.forget(topic);
    for (const key of this.#unpinned) if (key.startsWith(`${topic}/`)) this.#unpinned.delete(key);
    const log = this.#logs.get(topic);
    if (log) log.generation = this.#directory.generation(topic);
  }

  /** Pins what had no leader when the file opened, as soon as it has one: until then nothing could be sent to it. */
  async #pinLate(): Promise<void> {
    const topics = new Set([...this.#unpinned].map((key) => topicOfKey(key)));
    const { found } = await this.#list([...topics], LATEST);
    for (const [key, end] of found) {
      if (!this.#unpinned.delete(key)) continue;
      this.#pins.ends.set(key, end);
      const log = this.#logs.get(topicOfKey(key));
      if (log)
        this.#lose(
          log,
          `Partition ${partitionOfKey(key)} had no leader when the file opened; it is recorded from offset ${end} on, where it ended when it had one again`,
        );
    }
  }

  /** Topics that are recorded as soon as they are there. */
  #missing(): string[] {
    const there = new Set(this.topics);
    return [...this.#logs.keys()].filter((topic) => !there.has(topic));
  }
}

function leaderless(leader: number): Away | undefined {
  return leader < 0 ? { since: clock().now(), error: new BrokerError(NO_LEADER) } : undefined;
}
