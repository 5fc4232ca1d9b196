/** A store of entries in this process, by the contract: what is set is told to who watches, where it can tell. */
import type { Entry, EntryObserver, EntrySource } from '../../bindings/core/entries.ts';
import { SOURCE } from '../../bindings/core/source.ts';

export interface EntryStore {
  source: EntrySource;
  entry: Entry | undefined;
  /** Thrown by each look while set. */
  broken: Error | undefined;
  reads: number;
  readonly watchers: Set<() => void>;
  set(entry: Entry | undefined): void;
}

export function entryStore(
  entry: Entry | undefined = undefined,
  { tells = true, facts = ['ttl'], ...more }: Partial<EntryObserver> & { tells?: boolean } = {},
): EntryStore {
  const store: EntryStore = {
    source: undefined as never,
    entry,
    broken: undefined,
    reads: 0,
    watchers: new Set(),
    set(value) {
      store.entry = value;
      for (const watcher of store.watchers) watcher();
    },
  };
  const observer: EntryObserver = {
    kind: 'entries',
    label: "qa.cache.key('order:o-1')",
    noun: 'key',
    part: 'field',
    forms: ['json', 'number'],
    facts,
    where: () => 'key order:o-1 of qa.cache (memory)',
    async read() {
      store.reads += 1;
      if (store.broken) throw store.broken;
      return store.entry;
    },
    async watch(changed, signal) {
      if (!tells) return false;
      store.watchers.add(changed);
      signal.addEventListener('abort', () => store.watchers.delete(changed));
      return true;
    },
    explain: async () => ['nothing; near to it: order:o-2'],
    command: () => 'cli GET order:o-1',
    ...more,
  };
  store.source = {
    [SOURCE]: observer,
    get: async () => store.entry?.value,
    waitFor: () => Promise.reject(new Error('not by this source')),
  };
  return store;
}
