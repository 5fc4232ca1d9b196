/** One loop for each broker that leads something that is recorded: fetches, and fetches again. */
import { clock } from '../core/clock.ts';
import type { WireCluster } from './cluster.ts';
import { BrokerError, OFFSET_OUT_OF_RANGE } from './protocol/errors.ts';
import { type Fetched, fetchRecords } from './protocol/fetch.ts';

/** How far a partition has been read. */
export interface Position {
  readonly topic: string;
  /** The topic's, where the broker has ids. */
  readonly id: string | undefined;
  readonly partition: number;
  /** What is fetched next. */
  offset: bigint;
  /** Node id; less than 0: nobody, at present. */
  leader: number;
  /** What came is being read. */
  isBusy: boolean;
  /** After an error it is left alone until then, ms of the clock. */
  pausedUntil: number;
  /** In a row. */
  failures: number;
  /** Since when nobody leads it, or lets it be read. */
  trouble: Away | undefined;
  /** Most that one answer brings of it. */
  maxBytes: number;
  /** High watermark and last stable offset, as the last answer told. */
  high: bigint;
  stable: bigint;
}

export interface Owner {
  /** What a node leads of what is recorded. */
  positionsOf(node: string): readonly Position[];
  /** Whether the position is still that of its partition. */
  isCurrent(position: Position): boolean;
  fetched(position: Position, answer: Fetched): Promise<void>;
  outOfRange(positions: readonly Position[]): Promise<void>;
  /** Looks who leads what. */
  refresh(): Promise<void>;
}

export interface Away {
  /** Ms of the core's clock. */
  readonly since: number;
  readonly error: unknown;
}

/** The broker answers a fetch without messages after this time, ms: so long a newly named topic waits at most. */
const MAX_WAIT = 50;
const MAX_BYTES = 10 << 20;
/** Rests after errors, ms: the first, and the longest. */
const FIRST_REST = 50;
const LONGEST_REST = 500;
/** Something else reads what came: it takes but a moment, ms. */
const MOMENT = 5;

export class FetchLoops {
  readonly #cluster: WireCluster;
  readonly #owner: Owner;
  readonly #running = new Map<string, Promise<void>>();
  readonly #resting = new Set<() => void>();
  readonly #away = new Map<string, Away>();
  /** Loops of an earlier run end when they see that theirs is over. */
  #run = 0;
  #turn = 0;
  /** When a broker last answered, ms of the clock. */
  answeredAt = 0;

  constructor(cluster: WireCluster, owner: Owner) {
    this.#cluster = cluster;
    this.#owner = owner;
  }

  /** Nothing is read from anywhere. */
  get isIdle(): boolean {
    return this.#running.size === 0;
  }

  /** Since when a node does not answer. */
  awayOf(node: string): Away | undefined {
    return this.#away.get(node);
  }

  /** Since when none of those that are read from answers. */
  get away(): Away | undefined {
    const nodes = [...this.#running.keys()].map((node) => this.#away.get(node));
    if (nodes.length === 0 || nodes.includes(undefined)) return undefined;
    return nodes.reduce((first, next) => (next!.since < first!.since ? next : first));
  }

  /** Reads from a node, until it leads nothing of what is recorded any more. */
  start(node: string): void {
    if (this.#running.has(node)) return;
    const run = this.#run;
    this.#running.set(node, this.#loop(node, run));
  }

  /** What is under way is given up. Resolves when the answers that brokers still owe have come, or never will. */
  async stop(): Promise<void> {
    this.#run += 1;
    const ended = [...this.#running.values()];
    this.#running.clear();
    this.#away.clear();
    for (const wake of this.#resting) wake();
    await Promise.all(ended);
  }

  async #loop(node: string, run: number): Promise<void> {
    let failures = 0;
    while (this.#run === run) {
      const mine = this.#owner.positionsOf(node);
      if (mine.length === 0) {
        // At once: whatever it leads from now on needs another loop.
        this.#running.delete(node);
        this.#away.delete(node);
        return;
      }
      const now = clock().now();
      const ready = mine.filter(({ isBusy, pausedUntil }) => !isBusy && pausedUntil <= now);
      const nextAt = Math.min(...mine.map(({ pausedUntil }) => pausedUntil).filter((until) => until > now));
      if (ready.length === 0) {
        await this.#rest(Number.isFinite(nextAt) ? nextAt - now : MOMENT);
        continue;
      }
      try {
        const answers = await this.#fetch(node, ready, Math.min(MAX_WAIT, Math.ceil(nextAt - now)));
        if (this.#run !== run) break;
        failures = 0;
        this.#away.delete(node);
        this.answeredAt = clock().now();
        await this.#take(ready, answers);
      } catch (error) {
        if (this.#run !== run) break;
        failures += 1;
        this.#away.set(node, { since: this.#away.get(node)?.since ?? clock().now(), error });
        await this.#rest(restAfter(failures));
        // Where nobody answers this fails too: the loop comes back.
        if (this.#run === run) await this.#owner.refresh().catch(() => undefined);
      }
    }
  }

  async #fetch(node: string, positions: readonly Position[], maxWait: number): Promise<Fetched[]> {
    const broker = await this.#cluster.findBroker({ nodeId: node });
    // What comes first is answered first, until the answer is full: everything has its turn.
    const first = this.#turn++ % positions.length;
    const wishes = [...positions.slice(first), ...positions.slice(0, first)];
    return fetchRecords(broker, wishes, { maxWait, maxBytes: MAX_BYTES });
  }

  async #take(asked: readonly Position[], answers: readonly Fetched[]): Promise<void> {
    const byKey = new Map(asked.flatMap((position) => keysOf(position).map((key) => [key, position] as const)));
    const outOfRange: Position[] = [];
    let isStale = false;
    for (const answer of answers) {
      const position = byKey.get(`${answer.id ?? answer.topic}/${answer.partition}`);
      // The topic may have been made again while the answer was under way.
      if (!position || !this.#owner.isCurrent(position)) continue;
      if (answer.errorCode === 0) {
        position.failures = 0;
        position.trouble = undefined;
        if (!position.isBusy) await this.#owner.fetched(position, answer);
        continue;
      }
      const error = new BrokerError(answer.errorCode);
      position.failures += 1;
      position.pausedUntil = clock().now() + restAfter(position.failures);
      if (answer.errorCode === OFFSET_OUT_OF_RANGE) outOfRange.push(position);
      else if (error.retriable) isStale = true;
      else position.trouble ??= { since: clock().now(), error };
    }
    if (outOfRange.length > 0) await this.#owner.outOfRange(outOfRange);
    // Those that have a new leader rest meanwhile; where it fails, the next answer asks for it again.
    if (isStale) await this.#owner.refresh().catch(() => undefined);
  }

  #rest(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const wake = () => {
        clock().clearTimeout(timer);
        this.#resting.delete(wake);
        resolve();
      };
      const timer = clock().setTimeout(wake, ms);
      this.#resting.add(wake);
    });
  }
}

function restAfter(failures: number): number {
  return Math.min(FIRST_REST * 2 ** (failures - 1), LONGEST_REST);
}

function keysOf({ topic, id, partition }: Position): string[] {
  return id === undefined ? [`${topic}/${partition}`] : [`${id}/${partition}`, `${topic}/${partition}`];
}
