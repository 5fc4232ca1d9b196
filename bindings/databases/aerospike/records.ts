/** One record as an entry: its bins, how often it was written, and when it expires. */
import type { Entry, EntryObserver, EntrySource, EntryWaitOptions, ReadOptions } from '../../core/entries.ts';
import { type Caller, type Expected, SOURCE } from '../../core/source.ts';
import { nearest } from '../../core/suggest.ts';
import { printQuery, printValue } from './query.ts';
import { checkKey, type RecordId, type Store } from './store.ts';
import { same } from './values.ts';

/** So many keys are looked through for one that was meant. */
const KEYS = 2000;

export function recordSource<Bins extends object>(store: Store, set: string, id: RecordId): EntrySource<Bins> {
  checkKey(set, id, store.scope.connection);
  const observer = new RecordObserver(store, set, id);
  const source: EntrySource<Bins> = {
    [SOURCE]: observer,
    get: () =>
      store.call(source.get as Caller, 'A record was not read', async (signal) => {
        const record = await store.read(set, id, signal);
        return record && (store.scope.adopt(record.bins) as Bins);
      }),
    waitFor: (expected: unknown, options?: EntryWaitOptions) =>
      store.scope.waitFor(source, expected, options, source.waitFor as Caller) as Promise<Bins>,
  };
  return source;
}

class RecordObserver implements EntryObserver {
  readonly kind = 'entries';
  readonly noun = 'record';
  readonly part = 'bin';
  readonly forms = [];
  readonly facts = ['ttl', 'generation'] as const;
  readonly label: string;
  readonly #store: Store;
  readonly #set: string;
  readonly #id: RecordId;

  constructor(store: Store, set: string, id: RecordId) {
    this.#store = store;
    this.#set = set;
    this.#id = id;
    this.label = `qa.${store.scope.connection}.key(${printValue(set)}, ${printValue(id)})`;
  }

  where(): string {
    const { address, scope } = this.#store;
    return `record ${printValue(this.#id)} of the set ${this.#set}, qa.${scope.connection}${address ? ` (${address})` : ''}`;
  }

  async read({ signal }: Pick<ReadOptions, 'signal'>): Promise<Entry | undefined> {
    const record = await this.#store.read(this.#set, this.#id, signal);
    if (record === undefined) return undefined;
    const { bins, generation, ttl } = record;
    const value = this.#store.scope.adopt(bins);
    return { type: 'record', value, generation, ttl: ttl === undefined ? null : ttl * 1000 };
  }

  async explain(signal: AbortSignal): Promise<string[]> {
    const ids: string[] = [];
    let count = 0;
    await this.#store.scan(this.#set, {
      bins: false,
      signal,
      take({ id }) {
        count += 1;
        if (id !== undefined) ids.push(String(id));
        return count < KEYS;
      },
    });
    if (count === 0) return [`the set ${this.#set} holds no record`];
    const near = nearest(String(this.#id), ids);
    const known = near
      ? `near to this key: ${printValue(near)}`
      : `keys: ${ids.slice(0, 5).map(printValue).join(', ')}`;
    const many = `${count === KEYS ? 'at least ' : ''}${count.toLocaleString('en-US')} ${count === 1 ? 'record' : 'records'}`;
    return [`the set ${this.#set} holds ${many}; ${ids.length === 0 ? 'none was stored with its key' : known}`];
  }

  equal(actual: unknown, expected: unknown): boolean | undefined {
    return same(actual, expected);
  }

  command(): string {
    return printQuery(this.#store, `SELECT * FROM {set} WHERE PK = ${printValue(this.#id)}`, this.#set);
  }

  /** What is written differently from how it is stored. */
  hint({ value }: Entry, expected: unknown): string | undefined {
    if (typeof expected !== 'object' || expected === null) return undefined;
    const bins = value as Record<string, unknown>;
    const long = Object.keys(expected as Expected).find((name) => Buffer.byteLength(name) > 15 && !(name in bins));
    return long === undefined ? undefined : `No bin can be called \`${long}\`: names have at most 15 bytes`;
  }
}
