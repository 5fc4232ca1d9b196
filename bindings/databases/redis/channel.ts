/** A channel as a source of messages: what its recorder has, since it began. */
import { QaError } from '../../core/errors.ts';
import type {
  MessageObserver,
  MessageSource,
  MessageView,
  Notice,
  Received,
  ReceivedList,
  Since,
} from '../../core/messages.ts';
import { type ChannelMark, type ChannelRecorder, isPattern, patternOf } from './channel-recorder.ts';
import { cliCommand } from './command.ts';
import { formOf, nameGiven } from './key.ts';
import { messageSource } from './message-source.ts';
import type { Store } from './store.ts';
import { decode, equalBytes, NotOfForm } from './values.ts';

export interface ChannelOptions {
  /** How messages are read. Default: text. */
  as?: 'json' | 'number' | 'text' | 'bytes';
}

export function channelSource<Message>(store: Store, name: string, { as }: ChannelOptions): MessageSource<Message> {
  const observer = new ChannelObserver(store, nameGiven(name, store, 'channel', 'news'), as);
  formOf(as, observer.label);
  return messageSource(store, observer, (fields) => fields?.message as Message);
}

class ChannelObserver implements MessageObserver {
  readonly kind = 'messages';
  readonly noun = 'message';
  readonly fields = undefined;
  readonly whole = 'message';
  readonly #store: Store;
  readonly #name: string;
  readonly #as: string | undefined;

  constructor(store: Store, name: string, as: string | undefined) {
    this.#store = store;
    this.#name = name;
    this.#as = as;
  }

  get label(): string {
    return `qa.${this.#store.scope.connection}.channel('${this.#name}')`;
  }

  where(): string {
    return `channel ${this.#name} of qa.${this.#store.scope.connection}${this.#store.address}`;
  }

  async open(since: Since, signal: AbortSignal): Promise<MessageView> {
    const recorder = this.#recorder();
    const start = this.#start(since, recorder);
    let trouble: Error | undefined;
    await this.#store
      .ask('read', 'Asking for what is on its way', () => recorder.settled(), { signal })
      .catch((error: Error) => {
        // What was recorded is there; the gap is told of.
        trouble = error;
      });
    return new ChannelView(this.#store, recorder, { name: this.#name, as: this.#as, ...start, trouble });
  }

  command(): string {
    return cliCommand(this.#store.client, isPattern(this.#name) ? 'PSUBSCRIBE' : 'SUBSCRIBE', this.#name);
  }

  equal(actual: unknown, expected: unknown): boolean | undefined {
    return equalBytes(actual, expected);
  }

  /** Nobody can ask for what was published before it was listened to. */
  #recorder(): ChannelRecorder {
    const { channels } = this.#store.client;
    if (channels?.names.includes(this.#name) || (!isPattern(this.#name) && channels?.covers(this.#name)))
      return channels;
    const { connection } = this.#store.scope;
    const names = channels?.names ?? [];
    throw new QaError('QA_MISUSE', {
      what: `${this.label}: the channel is not recorded${names.length > 0 ? `; recorded are: ${names.join(', ')}` : ''}`,
      mend: `Name it in the config, so that nothing is missed: \`channels: [${[...names, this.#name].map((name) => `'${name}'`).join(', ')}]\` of \`${connection}\``,
      connection,
    });
  }

  #start(since: Since, { marks }: ChannelRecorder): Pick<ViewOptions, 'mark' | 'notBefore'> {
    if (since === 'test' || since === 'file') return { mark: marks[since], notBefore: 0 };
    if (Object.prototype.toString.call(since) === '[object Date]') {
      const time = (since as Date).getTime();
      return { mark: { number: marks.file.number, time }, notBefore: time };
    }
    throw new QaError('QA_MISUSE', {
      what: `${this.label}: a channel has no partitions, so \`since\` cannot be offsets of them`,
      mend: "Give 'test', 'file' or a Date",
      connection: this.#store.scope.connection,
    });
  }
}

interface ViewOptions {
  name: string;
  as: string | undefined;
  mark: ChannelMark;
  /** ms of the calendar. */
  notBefore: number;
  trouble: Error | undefined;
}

class ChannelView implements MessageView {
  readonly received: ReceivedList;
  readonly #store: Store;
  readonly #recorder: ChannelRecorder;
  readonly #options: ViewOptions;
  readonly #found: Received[] = [];
  #next: number;

  constructor(store: Store, recorder: ChannelRecorder, options: ViewOptions) {
    this.#store = store;
    this.#recorder = recorder;
    this.#options = options;
    this.#next = options.mark.number;
    const view = this;
    this.received = {
      get length() {
        view.#advance();
        return view.#found.length;
      },
      at: (index) => this.#found[index],
    };
  }

  candidates(): undefined {
    return undefined;
  }

  subscribe(listener: () => void): () => void {
    return this.#recorder.subscribe(listener);
  }

  notices(): readonly Notice[] {
    const { mark, trouble } = this.#options;
    const gaps = this.#recorder.gapsSince(mark.time).map(({ from, to }): Notice => {
      const length = to === undefined ? 'and is still' : `for ${to - from} ms`;
      return {
        kind: 'lost',
        text: `The connection was broken ${length}: what was published meanwhile is not recorded`,
      };
    });
    const dropped = this.#recorder.dropped - mark.number;
    if (dropped > 0)
      gaps.push({ kind: 'lost', text: `${dropped} messages of the recorded channels were dropped to bound memory` });
    if (trouble !== undefined && gaps.length === 0) gaps.push({ kind: 'lost', text: trouble.message });
    return gaps;
  }

  async explain(): Promise<string[]> {
    if (this.received.length > 0 || isPattern(this.#options.name)) return [];
    const answer = await this.#store.ask('explain', 'Asking who listens', () =>
      this.#store.redis.call('PUBSUB', 'NUMSUB', this.#options.name),
    );
    const others = Number((answer as unknown[])[1]) - (this.#recorder.names.includes(this.#options.name) ? 1 : 0);
    return others > 0 ? [`${others} other connection${others === 1 ? ' listens' : 's listen'} to it`] : [];
  }

  #advance(): void {
    const { name, as, notBefore } = this.#options;
    const fits = isPattern(name) ? patternOf(name) : undefined;
    for (; this.#next < this.#recorder.end; this.#next += 1) {
      const one = this.#recorder.at(this.#next);
      if (one === undefined || one.time < notBefore) continue;
      if (fits ? !fits.test(one.channel) : one.channel !== name) continue;
      this.#found.push({
        ...read(one.payload, as),
        at: `message ${this.#found.length + 1}${fits ? ` in ${one.channel}` : ''}`,
        seen: one.seen,
      });
    }
  }
}

function read(payload: Buffer, as: string | undefined): Pick<Received, 'fields' | 'undecodable'> {
  try {
    return { fields: { message: decode(payload, as) } };
  } catch (error) {
    if (!(error instanceof NotOfForm)) throw error;
    const excerpt = payload.subarray(0, 32).toString('hex');
    return { fields: {}, undecodable: { part: 'message', reason: error.message, excerpt } };
  }
}
