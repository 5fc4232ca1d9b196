/** The messages of one topic since a start, for one matcher: decoded when looked at, told of when they come. */
import { clock } from '../core/clock.ts';
import type { MessageView, Notice, Received, ReceivedList } from '../core/messages.ts';
import type { Expected } from '../core/source.ts';
import { nearest } from '../core/suggest.ts';
import type { KafkaClient } from './client.ts';
import { afterGroup } from './groups.ts';
import type { Start } from './since.ts';
import type { TopicCodec } from './topic-codecs.ts';
import type { TopicLog } from './topic-log.ts';

/** An answer that comes so long after a failure was asked for after it, ms. */
const ANSWER = 100;

export interface ViewOptions {
  readonly client: KafkaClient;
  readonly log: TopicLog;
  readonly codec: TopicCodec;
  readonly start: Start;
}

export class TopicView implements MessageView {
  readonly received: ReceivedList;
  readonly #client: KafkaClient;
  readonly #log: TopicLog;
  readonly #codec: TopicCodec;
  readonly #start: Start;
  /** Of each message that counts its sequence number in the log. */
  readonly #sequences: number[] = [];
  /** The log has been looked through up to here. */
  #next: number;
  /** Messages that were dropped before this view had looked at them. */
  #missed = 0;
  /** A message is being decoded: those behind it wait, so that their order holds. */
  #decoding: Promise<void> | undefined;
  #trouble: { error: Error; at: number } | undefined;
  readonly #listeners = new Set<() => void>();

  constructor({ client, log, codec, start }: ViewOptions) {
    this.#client = client;
    this.#log = log;
    this.#codec = codec;
    this.#start = start;
    this.#next = start.sequence;
    const view = this;
    this.received = {
      get length() {
        view.#advance();
        return view.#sequences.length;
      },
      at: (index) => this.#at(index),
    };
  }

  /** Resolves when what is recorded by now has been decoded, as far as it must be. */
  async ready(): Promise<void> {
    this.#advance();
    while (this.#decoding) await this.#decoding;
  }

  /** What is there by now could not all be read. Told until a broker answers again. */
  troubled(error: Error): void {
    this.#trouble = { error, at: clock().now() };
  }

  candidates(expected: Expected, from: number): readonly number[] | undefined {
    if (!('key' in expected)) return undefined;
    const bytes = this.#codec.bytesOfKey(expected.key);
    if (bytes === undefined) return undefined;
    this.#advance();
    const first = this.#sequences[from];
    if (first === undefined) return [];
    return this.#log
      .sequencesOfKey(bytes, first)
      .map((sequence) => indexOf(this.#sequences, sequence, from))
      .filter((index) => index !== undefined);
  }

  subscribe(listener: () => void): () => void {
    const stop = this.#log.subscribe(() => {
      this.#advance();
      listener();
    });
    this.#listeners.add(listener);
    return () => {
      stop();
      this.#listeners.delete(listener);
    };
  }

  notices(): readonly Notice[] {
    const { recorder, scope } = this.#client;
    const notices: Notice[] = this.#client.lossesOf(this.#log).map((text) => ({ kind: 'lost', text }));
    if (this.#missed > 0) {
      notices.push({
        kind: 'lost',
        text: `${this.#missed} of its messages ${this.#start.words} were dropped to bound memory; \`record: { messages, bytes }\` of qa.${scope.connection} keeps more`,
      });
    }
    const away = recorder.awayFrom(this.#log.topic);
    if (away) {
      const since = Math.round(clock().now() - away.since);
      const told = this.#client.told(away.error, {
        what: 'Recording',
        topic: this.#log.topic,
        operation: 'Read',
      });
      notices.push({
        kind: 'lost',
        text: `For ${since} ms it could not be read, so what came since is not recorded: ${told.message}`,
      });
    } else if (this.#trouble && recorder.answeredAt < this.#trouble.at + ANSWER) {
      notices.push({ kind: 'lost', text: this.#trouble.error.message });
    }
    notices.push(...recorder.hints(this.#log.topic).map((text): Notice => ({ kind: 'hint', text })));
    return notices;
  }

  afterGroup(group: string, signal: AbortSignal): Promise<void> {
    return afterGroup(this.#client, group, { topic: this.#log.topic, signal });
  }

  async explain(): Promise<string[]> {
    const { recorder } = this.#client;
    const { topic } = this.#log;
    // Made a moment ago, perhaps.
    if (!recorder.topics.includes(topic)) await recorder.refresh();
    if (!recorder.topics.includes(topic)) {
      const { known } = this.#client;
      const near = nearest(topic, known);
      const all = known.length === 0 ? 'the broker has none' : `the broker has: ${known.slice(0, 10).join(', ')}`;
      return [`the topic ${topic} does not exist; ${near ? `did you mean ${near}?` : all}`];
    }
    if (this.received.length > 0) return [];
    const before = this.#log.end;
    const partitions = recorder.partitions(topic).length;
    return [
      `the topic exists, with ${partitions} partition${partitions === 1 ? '' : 's'}; ${
        before === 0
          ? 'no message came since the file began'
          : `${before} came since the file began, none of them ${this.#start.words}`
      }`,
    ];
  }

  #at(index: number): Received | undefined {
    const raw = this.#log.at(this.#sequences[index] ?? -1);
    if (raw === undefined) return undefined;
    // One that had to be waited for is known by now.
    return this.#codec.receive(raw) as Received;
  }

  /** Takes in what the log has got, in its order. */
  #advance(): void {
    const log = this.#log;
    if (this.#next < log.dropped) {
      this.#missed += log.dropped - this.#next;
      this.#next = log.dropped;
    }
    while (this.#next < log.end && this.#decoding === undefined) {
      const raw = log.at(this.#next)!;
      if (this.#start.counts(raw)) {
        if (!this.#codec.isSync) {
          const received = this.#codec.receive(raw);
          if (received instanceof Promise) {
            this.#decoding = received.then(() => {
              this.#decoding = undefined;
              this.#advance();
              for (const listener of this.#listeners) listener();
            });
            return;
          }
        }
        this.#sequences.push(this.#next);
      }
      this.#next += 1;
    }
  }
}

/** Where a number stands in an ascending list. */
function indexOf(list: readonly number[], wanted: number, from: number): number | undefined {
  let low = from;
  let high = list.length - 1;
  while (low <= high) {
    const middle = (low + high) >> 1;
    const value = list[middle]!;
    if (value === wanted) return middle;
    if (value < wanted) low = middle + 1;
    else high = middle - 1;
  }
  return undefined;
}
