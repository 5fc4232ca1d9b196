/** The keys that fit a pattern, as a source of rows: `{ key, type, ttl, value }`. */
import { QaError } from '../../core/errors.ts';
import {
  type Caller,
  type Expected,
  type Explained,
  type FindOptions,
  type Found,
  type RowObserver,
  type RowSource,
  SOURCE,
  type Values,
} from '../../core/source.ts';
import { didYouMean } from '../../core/suggest.ts';
import { isPattern } from './channel-recorder.ts';
import { cliCommand } from './command.ts';
import { nameOf } from './feed.ts';
import { nameGiven, watchKeys } from './key.ts';
import { readKey } from './read.ts';
import { globOf, literalPrefix, scan } from './scan.ts';
import type { Store } from './store.ts';
import { answers } from './store.ts';

/** A key that is there, as a row. */
export interface KeyRow {
  /** Its name, without the prefix of the config. */
  key: string;
  /** `string`, `hash`, `list`, `set`, `zset`, `stream` … */
  type: string;
  /** Time until it expires, ms; null: never. */
  ttl: number | null;
  /** As `key(name).get()` gives it. */
  value: unknown;
}

const COLUMNS = ['key', 'type', 'ttl', 'value'] as const satisfies readonly (keyof KeyRow)[];
/** Keys that are ranked for a failure, at most. */
const EXPLAINED = 1000;

export function keysSource(store: Store, pattern: string): RowSource<KeyRow> {
  const observer = new KeysObserver(store, nameGiven(pattern, store, 'keys', 'order:*'));
  const source: RowSource<KeyRow> = {
    [SOURCE]: observer,
    all: () =>
      store.call(source.all, async (signal) => {
        const { rows } = await observer.find({}, { limit: Number.POSITIVE_INFINITY, signal });
        return rows as unknown as KeyRow[];
      }),
    count: () => store.call(source.count, (signal) => observer.count({ signal })),
    waitFor: (expected, options) =>
      store.scope.waitFor(source, expected, options, source.waitFor as Caller) as Promise<KeyRow>,
  };
  return source;
}

type Signal = AbortSignal | undefined;

class KeysObserver implements RowObserver {
  readonly kind = 'rows';
  readonly ordered = false;
  readonly #store: Store;
  readonly #pattern: string;

  constructor(store: Store, pattern: string) {
    this.#store = store;
    this.#pattern = pattern;
  }

  get label(): string {
    return `qa.${this.#store.scope.connection}.keys('${this.#pattern}')`;
  }

  where(): string {
    return `keys ${this.#full} of qa.${this.#store.scope.connection}${this.#store.address}`;
  }

  async check(expected: Expected): Promise<void> {
    const unknown = Object.keys(expected).find((column) => !(COLUMNS as readonly string[]).includes(column));
    if (unknown === undefined) return;
    throw new QaError('QA_MISUSE', {
      what: `${this.label}: rows of keys have no \`${unknown}\``,
      mend: didYouMean(unknown, COLUMNS),
      connection: this.#store.scope.connection,
    });
  }

  async find(
    expected: Expected,
    { limit, signal, accept = () => true }: Omit<FindOptions, 'signal'> & { signal: Signal },
  ): Promise<Found> {
    const rows: Values[] = [];
    for await (const page of this.#pages(expected, signal)) {
      for (const row of await this.#rows(page, signal)) {
        if (!accept(row)) continue;
        if (rows.length === limit) return { rows, more: true };
        rows.push(row);
      }
    }
    return { rows, more: false };
  }

  async count({ signal, atMost = Number.POSITIVE_INFINITY }: { signal: Signal; atMost?: number }): Promise<number> {
    let count = 0;
    for await (const page of this.#pages({}, signal)) {
      count += page.length;
      if (count >= atMost) return atMost;
    }
    return count;
  }

  async explain(expected: Expected, { limit, signal }: { limit: number; signal: AbortSignal }): Promise<Explained> {
    const { rows } = await this.find({}, { limit: EXPLAINED, signal });
    const total = await this.count({ signal });
    const isAll = rows.length === total;
    const equals = (row: Values, column: string) => row[column] === expected[column];
    const plain = Object.keys(expected).filter((column) => column !== 'value' && typeof expected[column] !== 'object');
    const alike = (row: Values) => plain.filter((column) => equals(row, column)).length;
    return {
      rows: rows.sort((a, b) => alike(b) - alike(a)).slice(0, limit),
      total,
      totalIsFloor: false,
      fulfilled: isAll
        ? Object.fromEntries(plain.map((column) => [column, rows.filter((row) => equals(row, column)).length]))
        : {},
    };
  }

  equal(): undefined {
    return undefined;
  }

  watch(changed: () => void, signal: AbortSignal): Promise<boolean> {
    const prefix = literalPrefix(this.#full);
    return watchKeys(this.#store, { prefix, fits: (name) => name.startsWith(prefix) }, changed, signal);
  }

  command(): string {
    return cliCommand(this.#store.client, '--scan', '--pattern', this.#full);
  }

  get #full(): string {
    const { keyPrefix = '' } = this.#store.client.options;
    return `${globOf(keyPrefix)}${this.#pattern}`;
  }

  /** Keys that can match, each once. */
  async *#pages(expected: Expected, signal: Signal): AsyncGenerator<Buffer[]> {
    const { client, redis } = this.#store;
    const isOne = typeof expected.key === 'string' && !isPattern(this.#pattern) && expected.key === this.#pattern;
    if (isOne) {
      const key = this.#store.full(expected.key as string);
      const found = await this.#store.ask('find', `Looking for the key \`${key}\``, () => redis.exists(key), {
        key,
        signal,
      });
      if (found > 0) yield [Buffer.from(key)];
      return;
    }
    const seen = new Set<string>();
    const pages = scan(client, this.#full);
    for (;;) {
      const { done, value } = await this.#store.ask('scan', 'Walking over the keys', () => pages.next(), {
        pattern: this.#full,
        signal,
      });
      if (done) return;
      const fresh = value.filter((key) => {
        const name = nameOf(key);
        return !seen.has(name) && seen.add(name);
      });
      if (typeof expected.key === 'string') {
        const wanted = this.#store.full(expected.key);
        const found = fresh.filter((key) => key.toString() === wanted);
        if (found.length > 0) yield found;
      } else if (fresh.length > 0) yield fresh;
    }
  }

  /** A key that has gone meanwhile is left out. */
  #rows(keys: readonly Buffer[], signal: Signal): Promise<Values[]> {
    const { redis, client } = this.#store;
    const { keyPrefix = '' } = client.options;
    return this.#store.ask(
      'read',
      'Reading keys',
      async () => {
        const ask = redis.pipeline();
        for (const key of keys) ask.type(key).pttl(key);
        const facts = answers(await ask.exec());
        const rows = keys.map(async (key, index) => {
          const type = String(facts[2 * index]);
          const ttl = Number(facts[2 * index + 1]);
          const entry = type === 'none' ? undefined : await readKey(redis, key, { as: undefined, facts: [] });
          if (entry === undefined) return undefined;
          const name = key.toString().slice(keyPrefix.length);
          return { key: name, type, ttl: ttl < 0 ? null : ttl, value: entry.value } satisfies KeyRow;
        });
        return (await Promise.all(rows)).filter((row) => row !== undefined);
      },
      { pattern: this.#full, signal },
    );
  }
}
