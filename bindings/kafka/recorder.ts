/**
 * Reads topics without a consumer group, from the ends that they had when the file opened. The system under test sees
 * nothing of it. Positions are kept for each partition, so that whatever happens to brokers, a message is recorded
 * once: what cannot be is told as a loss.
 */
import type { Broker, Cluster, PartitionMetadata } from 'kafkajs';
import { clock } from '../core/clock.ts';
import { type AbortedTransaction, committed, type FetchedRecord } from './aborted.ts';
import { type Bounds, type RawMessage, TopicLog } from './topic-log.ts';

/** The broker answers a fetch without messages after this time, ms: so long a newly named topic waits at most. */
const MAX_WAIT = 50;
const RETRY = 50;
/** New topics, partitions and leaders are looked for this often, ms; more often while a followed topic is missing. */
const REFRESH = 1000;
const REFRESH_MISSING = 50;
const LATEST = '-1';
const EARLIEST = '-2';

/** End offsets, by `topic/partition`; what is not in it did not exist. */
export interface Mark {
  readonly ends: ReadonlyMap<string, bigint>;
  readonly generations: ReadonlyMap<string, number>;
}

interface Position {
  readonly topic: string;
  readonly partition: number;
  offset: bigint;
}

interface RawBroker extends Pick<Broker, 'fetch'> {
  listOffsets(request: object): Promise<{
    responses: { topic: string; partitions: { partition: number; offset: string }[] }[];
  }>;
}

interface FetchedPartition {
  partition: number;
  highWatermark: string;
  lastStableOffset: string;
  abortedTransactions: AbortedTransaction[] | null;
  messages: (FetchedRecord & { value: Buffer | null; timestamp: string; headers?: RawMessage['headers'] })[];
}

export class Recorder {
  readonly #cluster: Cluster;
  readonly #bounds: Bounds;
  readonly #logs = new Map<string, TopicLog>();
  readonly #positions = new Map<string, Position>();
  readonly #loops = new Set<string>();
  readonly #ended: Promise<void>[] = [];
  /** Called when positions have moved. */
  readonly #readers = new Set<() => void>();
  #pins: Mark = { ends: new Map(), generations: new Map() };
  #topics = new Map<string, PartitionMetadata[]>();
  #refreshing: Promise<void> | undefined;
  #timer: NodeJS.Timeout | undefined;
  #closed = false;
  /** Since when no broker answers, ms of the clock, and why. */
  away: { since: number; error: unknown } | undefined;
  /** When a broker last answered a fetch, ms of the clock. */
  answeredAt = 0;

  constructor(cluster: Cluster, bounds: Bounds) {
    this.#cluster = cluster;
    this.#bounds = bounds;
  }

  /** When it has resolved, no message that is sent afterwards is missed. */
  async open(topics: readonly string[]): Promise<void> {
    await this.#cluster.connect();
    await this.#readMetadata();
    this.#pins = await this.mark();
    for (const topic of topics) this.follow(topic);
    this.#schedule();
  }

  get pins(): Mark {
    return this.#pins;
  }

  get topics(): readonly string[] {
    return [...this.#topics.keys()];
  }

  /** Of the topics that are recorded. */
  get logs(): readonly TopicLog[] {
    return [...this.#logs.values()];
  }

  partitions(topic: string): readonly PartitionMetadata[] {
    return this.#topics.get(topic) ?? [];
  }

  /** Records the topic from its pin on, if it does not yet. */
  follow(topic: string): TopicLog {
    const found = this.#logs.get(topic);
    if (found) return found;
    const log = new TopicLog(topic, this.#bounds);
    this.#logs.set(topic, log);
    this.#place(log);
    if (this.#topics.size > 0 && !this.#topics.has(topic)) this.#schedule();
    return log;
  }

  /** Where the topic's partitions end now, high watermarks. */
  async mark(): Promise<Mark> {
    const ends = await this.list([...this.#topics.keys()], LATEST);
    const generations = new Map([...this.#logs].map(([topic, log]) => [topic, log.generation]));
    return { ends, generations };
  }

  /** Offsets of `topic/partition`: ends, or first ones. `stable`: the last stable offset instead of the high watermark. */
  async list(
    topics: readonly string[],
    at: typeof LATEST | typeof EARLIEST,
    stable = false,
  ): Promise<Map<string, bigint>> {
    const byNode = new Map<number, Map<string, number[]>>();
    for (const topic of topics) {
      for (const { partitionId, leader } of this.partitions(topic)) {
        if (leader < 0) continue;
        const of = byNode.get(leader) ?? byNode.set(leader, new Map()).get(leader)!;
        of.set(topic, [...(of.get(topic) ?? []), partitionId]);
      }
    }
    const answers = await Promise.all(
      [...byNode].map(async ([leader, of]) => {
        const broker = (await this.#cluster.findBroker({ nodeId: `${leader}` })) as unknown as RawBroker;
        return broker.listOffsets({
          isolationLevel: stable ? 1 : 0,
          topics: [...of].map(([topic, partitions]) => ({
            topic,
            partitions: partitions.map((partition) => ({ partition, timestamp: at })),
          })),
        });
      }),
    );
    const found = answers.flatMap(({ responses }) => responses);
    return new Map(
      found.flatMap(({ topic, partitions }) =>
        partitions.map(({ partition, offset }) => [`${topic}/${partition}`, BigInt(offset)] as const),
      ),
    );
  }

  /**
   * Resolves once all followed partitions of `ends` (by `topic/partition`) have been read up to there. One that is gone
   * has nothing left to read.
   *
   * @throws the reason of `signal`
   */
  async readTo(ends: ReadonlyMap<string, bigint>, signal: AbortSignal): Promise<void> {
    const isRead = () =>
      [...ends].every(([key, end]) => (this.#positions.get(key)?.offset ?? end) >= end) || this.#closed;
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

  #moved(): void {
    for (const reader of this.#readers) reader();
  }

  /** Reads the metadata now: after a topic was made or deleted. */
  refresh(): Promise<void> {
    this.#refreshing ??= this.#readMetadata().finally(() => {
      this.#refreshing = undefined;
    });
    return this.#refreshing;
  }

  /** Its sockets must be destroyed by the caller: what waits for them ends then. */
  async close(): Promise<void> {
    this.#closed = true;
    clock().clearTimeout(this.#timer);
    this.#moved();
    await Promise.all(this.#ended);
  }

  async #readMetadata(): Promise<void> {
    // Without targets kafkajs asks for all topics.
    await this.#cluster.refreshMetadata();
    const { topicMetadata } = (await this.#cluster.metadata()) as unknown as {
      topicMetadata: { topic: string; partitionMetadata: PartitionMetadata[] }[];
    };
    const before = this.#topics;
    this.#topics = new Map(topicMetadata.map(({ topic, partitionMetadata }) => [topic, partitionMetadata]));
    for (const log of this.#logs.values()) {
      if (before.has(log.topic) && !this.#topics.has(log.topic)) this.forget(log.topic);
      this.#place(log);
    }
  }

  /** The topic is gone: one of the same name starts anew. */
  forget(topic: string): void {
    const log = this.#logs.get(topic);
    for (const [key, position] of this.#positions) if (position.topic === topic) this.#positions.delete(key);
    if (log) log.generation += 1;
    this.#moved();
  }

  #place(log: TopicLog): void {
    for (const { partitionId, leader } of this.partitions(log.topic)) {
      const key = `${log.topic}/${partitionId}`;
      if (!this.#positions.has(key)) {
        const offset = log.generation === 0 ? (this.#pins.ends.get(key) ?? 0n) : 0n;
        this.#positions.set(key, { topic: log.topic, partition: partitionId, offset });
      }
      if (leader >= 0) this.#start(`${leader}`);
    }
  }

  #start(node: string): void {
    if (this.#loops.has(node) || this.#closed) return;
    this.#loops.add(node);
    this.#ended.push(this.#loop(node));
  }

  /** Fetches what `node` leads, until it leads nothing any more. */
  async #loop(node: string): Promise<void> {
    while (!this.#closed) {
      const mine = [...this.#positions.values()].filter(({ topic, partition }) =>
        this.partitions(topic).some((known) => known.partitionId === partition && `${known.leader}` === node),
      );
      if (mine.length === 0) break;
      try {
        await this.#fetch(node, mine);
        this.away = undefined;
        this.answeredAt = clock().now();
      } catch (error) {
        if (this.#closed) break;
        this.away ??= { since: clock().now(), error };
        await this.#mend(error);
      }
    }
    this.#loops.delete(node);
  }

  async #fetch(node: string, positions: readonly Position[]): Promise<void> {
    const broker = (await this.#cluster.findBroker({ nodeId: node })) as unknown as RawBroker;
    const topics = new Map<string, { partition: number; fetchOffset: string; maxBytes: number }[]>();
    for (const { topic, partition, offset } of positions) {
      const of = topics.get(topic) ?? topics.set(topic, []).get(topic)!;
      of.push({ partition, fetchOffset: `${offset}`, maxBytes: 1 << 20 });
    }
    const { responses } = (await broker.fetch({
      isolationLevel: 1,
      maxWaitTime: MAX_WAIT,
      minBytes: 1,
      maxBytes: 10 << 20,
      topics: [...topics].map(([topic, partitions]) => ({ topic, partitions })),
    })) as { responses: { topicName: string; partitions: FetchedPartition[] }[] };
    for (const { topicName, partitions } of responses)
      for (const fetched of partitions) this.#record(topicName, fetched, positions);
  }

  #record(
    topic: string,
    { partition, messages, abortedTransactions }: FetchedPartition,
    asked: readonly Position[],
  ): void {
    const position = this.#positions.get(`${topic}/${partition}`);
    const log = this.#logs.get(topic);
    // The topic may have been made again while the answer was under way.
    if (!position || !log || !asked.includes(position) || messages.length === 0) return;
    const { generation } = log;
    const from = position.offset;
    const seen = clock().now();
    position.offset = BigInt(messages.at(-1)!.offset) + 1n;
    if (position.offset < from) position.offset = from;
    const fresh = committed(messages, abortedTransactions ?? []).flatMap((message): RawMessage[] => {
      const offset = BigInt(message.offset);
      if (offset < from) return [];
      const { key, value, headers = {}, timestamp } = message;
      return [{ partition, offset, generation, key, value, headers, timestamp: Number(timestamp), seen }];
    });
    if (fresh.length > 0) log.append(fresh);
    this.#moved();
  }

  /** After an error: what leads, what exists, and whether positions still lie within the logs. */
  async #mend(error: unknown): Promise<void> {
    await new Promise<void>((resolve) => clock().setTimeout(resolve, RETRY));
    if (this.#closed) return;
    try {
      await this.refresh();
      if ((error as { type?: string }).type === 'OFFSET_OUT_OF_RANGE') await this.#correct();
    } catch (reason) {
      // Still away; the loop comes back.
      if (this.away) this.away.error = reason;
    }
  }

  async #correct(): Promise<void> {
    const topics = [...this.#logs.keys()];
    const [first, ends] = await Promise.all([this.list(topics, EARLIEST), this.list(topics, LATEST)]);
    for (const log of this.#logs.values()) {
      const own = [...this.#positions].filter(([, { topic }]) => topic === log.topic);
      if (own.some(([key, { offset }]) => offset > (ends.get(key) ?? offset))) {
        log.losses.push(
          'The topic was deleted and made again while it was recorded: what its last messages were before, nobody knows',
        );
        this.forget(log.topic);
        this.#place(log);
        log.wake();
        continue;
      }
      for (const [key, position] of own) {
        const start = first.get(key) ?? position.offset;
        if (position.offset >= start) continue;
        log.losses.push(
          `Offsets ${position.offset} to ${start - 1n} of partition ${position.partition} were deleted before they could be recorded`,
        );
        position.offset = start;
        log.wake();
      }
    }
    this.#moved();
  }

  #schedule(): void {
    clock().clearTimeout(this.#timer);
    if (this.#closed) return;
    const isMissing = [...this.#logs.keys()].some((topic) => !this.#topics.has(topic));
    this.#timer = clock().setTimeout(
      () => {
        this.refresh()
          .catch((error) => {
            this.away ??= { since: clock().now(), error };
          })
          .finally(() => this.#schedule());
      },
      isMissing ? REFRESH_MISSING : REFRESH,
    );
    this.#timer.unref();
  }
}
