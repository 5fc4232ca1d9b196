/** A key as a source of an entry. */
import type { Entry, EntryConditions, EntryObserver, EntrySource, ReadOptions } from '../../core/entries.ts';
import { QaError } from '../../core/errors.ts';
import { type Caller, SOURCE } from '../../core/source.ts';
import { nearest } from '../../core/suggest.ts';
import { cliCommand, readingCommand } from './command.ts';
import { readKey } from './read.ts';
import { globOf, scan } from './scan.ts';
import type { Store } from './store.ts';
import { equalBytes, FORMS } from './values.ts';

export interface RedisKey<Value = unknown> extends EntrySource<Value> {
  /** Whether the key is there. */
  exists(): Promise<boolean>;
  /** Time until it expires, ms; null: never. Undefined where there is no such key. */
  ttl(): Promise<number | null | undefined>;
}

/** Keys that are looked at to name one that is near to a missing one. */
const LOOKED_AT = 5000;

export function keySource<Value>(store: Store, name: string): RedisKey<Value> {
  const observer = new KeyObserver(store, nameGiven(name, store));
  const read = (options: Pick<ReadOptions, 'as' | 'facts'>) => observer.read({ signal: undefined, ...options });
  const source: RedisKey<Value> = {
    [SOURCE]: observer,
    get: (options: Pick<EntryConditions, 'as'> = {}) =>
      store.call(source.get, async () => {
        const as = formOf(options.as, observer.label);
        const entry = await read({ as, facts: [] });
        if (entry?.unreadable === undefined) return entry?.value as Value | undefined;
        throw new QaError('QA_DECODE', {
          what: `${observer.label} cannot be read${as === undefined ? '' : ` as ${as}`}: ${entry.unreadable}`,
          mend: 'Leave `as` out to get it as it is',
          connection: store.scope.connection,
          address: store.client.place.address,
        });
      }),
    exists: () => store.call(source.exists, async () => (await read({ as: undefined, facts: [] })) !== undefined),
    ttl: () => store.call(source.ttl, async () => (await read({ as: undefined, facts: ['ttl'] }))?.ttl),
    waitFor: (expected, options) =>
      store.scope.waitFor(source, expected, options, source.waitFor as Caller) as Promise<Value>,
  };
  return source;
}

class KeyObserver implements EntryObserver {
  readonly kind = 'entries';
  readonly noun = 'key';
  readonly part = 'field';
  readonly forms = FORMS;
  readonly facts = ['ttl'] as const;
  readonly #store: Store;
  readonly #name: string;
  #type = 'string';

  constructor(store: Store, name: string) {
    this.#store = store;
    this.#name = name;
  }

  get label(): string {
    return `qa.${this.#store.scope.connection}.key('${this.#name}')`;
  }

  where(): string {
    return `key ${this.#store.full(this.#name)} of qa.${this.#store.scope.connection}${this.#store.address}`;
  }

  async read({
    signal,
    ...options
  }: Omit<ReadOptions, 'signal'> & { signal: AbortSignal | undefined }): Promise<Entry | undefined> {
    const key = this.#store.full(this.#name);
    const doing = `Reading the key \`${key}\``;
    const entry = await this.#store.ask('read', doing, () => readKey(this.#store.redis, key, options), {
      key,
      signal,
    });
    if (entry !== undefined) this.#type = entry.type;
    return entry;
  }

  watch(changed: () => void, signal: AbortSignal): Promise<boolean> {
    return watchKeys(
      this.#store,
      { prefix: this.#store.full(this.#name), fits: (name) => name === this.#store.full(this.#name) },
      changed,
      signal,
    );
  }

  /** A name that was meant: one near to it, or the same one without the prefix. */
  async explain(signal: AbortSignal): Promise<string[]> {
    const { client, redis } = this.#store;
    const key = this.#store.full(this.#name);
    const { keyPrefix = '' } = client.options;
    return this.#store.ask(
      'explain',
      'Looking for keys that are near',
      async () => {
        if (keyPrefix !== '' && (await redis.exists(this.#name)) > 0)
          return [`nothing; but there is a key \`${this.#name}\`, without the prefix \`${keyPrefix}\``];
        const folder = /^.*[:/.|](?=.)/.exec(key)?.[0] ?? keyPrefix;
        const found: string[] = [];
        for await (const page of scan(client, `${globOf(folder)}*`)) {
          found.push(...page.map(String));
          if (found.length >= LOOKED_AT || signal.aborted) break;
        }
        const near = nearest(key, found);
        const others =
          found.length === 0
            ? ''
            : `; ${found.length}${found.length >= LOOKED_AT ? ' or more' : ''} other ${found.length === 1 ? 'key' : 'keys'} below \`${folder}\``;
        return [`nothing${others}${near === undefined ? '' : `; near to it: ${near}`}`];
      },
      { key, signal },
    );
  }

  equal(actual: unknown, expected: unknown): boolean | undefined {
    return equalBytes(actual, expected);
  }

  hint({ type, value }: Entry, expected: unknown): string | undefined {
    if (type === 'string' && typeof value === 'string') {
      if (typeof expected === 'number' && Number(value) === expected)
        return `It is text: write '${value}', or \`{ as: 'number' }\``;
      if (typeof expected === 'object' && /^\s*[[{]/.test(value))
        return "It is JSON text: to compare it as JSON write `{ as: 'json' }`";
    }
    if (type !== 'hash' || typeof expected !== 'object' || expected === null) return undefined;
    const alike = Object.entries(expected).find(
      ([name, wanted]) => typeof wanted !== 'string' && (value as Record<string, unknown>)[name] === String(wanted),
    );
    return alike === undefined
      ? undefined
      : `Fields of a hash are text: write ${alike[0]}: '${String(alike[1])}', or \`{ as: 'json' }\``;
  }

  command(): string {
    return cliCommand(this.#store.client, ...readingCommand(this.#type, this.#store.full(this.#name)));
  }
}

/** Has `changed` called when a key changes that fits; false where the server cannot tell. */
export async function watchKeys(
  { client, scope }: Store,
  { prefix, fits }: { prefix: string; fits: (name: string) => boolean },
  changed: () => void,
  signal: AbortSignal,
): Promise<boolean> {
  // All keys of the service under one prefix: a stand's server remembers one, not one a test.
  const { keyPrefix = '' } = client.options;
  const isOurs = scope.lease !== undefined;
  if (prefix === '' && !isOurs) return false;
  const followed = isOurs ? '' : keyPrefix !== '' && prefix.startsWith(keyPrefix) ? keyPrefix : prefix;
  const stop = await client.feed.follow(followed, (keys) => {
    if (keys === undefined || [...keys].some((name) => fits(Buffer.from(name, 'latin1').toString()))) changed();
  });
  if (stop === undefined) return false;
  if (signal.aborted) stop();
  else signal.addEventListener('abort', stop, { once: true });
  return true;
}

export function nameGiven(
  name: string,
  { scope: { connection } }: Store,
  maker = 'key',
  example = 'order:o-1',
): string {
  if (typeof name === 'string' && name !== '') return name;
  throw new QaError('QA_MISUSE', { what: `${maker}() needs a name`, mend: `Write ${maker}('${example}')`, connection });
}

export function formOf(as: string | undefined, label: string): string | undefined {
  if (as === undefined || (FORMS as readonly string[]).includes(as)) return as;
  throw new QaError('QA_MISUSE', { what: `\`as\` cannot be '${as}' for ${label}`, mend: `Known: ${FORMS.join(', ')}` });
}
