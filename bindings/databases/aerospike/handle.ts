/** What tests see as `qa.<name>`. */
import type { Client } from 'aerospike';
import type { Scope } from '../../core/binding.ts';
import type { EntrySource } from '../../core/entries.ts';
import type { RowSource } from '../../core/source.ts';
import { printSeeds } from './address.ts';
import type { Driver } from './client.ts';
import { recordSource } from './records.ts';
import { setSource } from './rows.ts';
import { type SeedOptions, type SeedRecords, seed } from './seed.ts';
import { type OpenAerospike, type RecordId, Store } from './store.ts';

export type { SeedOptions, SeedRecords } from './seed.ts';
export type { RecordId } from './store.ts';

type Bins = Record<string, unknown>;

export class AerospikeHandle {
  readonly #store: Store;

  constructor(opened: () => OpenAerospike, scope: Scope) {
    this.#store = new Store(opened, scope);
  }

  /** The real `Client`. Its `close()` waits for commands that are under way; it is closed when the file ends. */
  get client(): Client {
    return this.#store.client;
  }

  /** The client's module that the connection uses: `qa.profiles.driver.Key`. */
  get driver(): Driver {
    return this.#store.driver;
  }

  /** `host:port`, several with commas, as the system under test gets it. */
  get hosts(): string {
    return printSeeds(this.#store.options.address!.seeds);
  }

  /** As the system under test gets it. */
  get namespace(): string {
    return this.#store.namespace;
  }

  /**
   * One record. A matcher sees its bins; `ttl` (ms) and `generation` are options of `toHaveEntry`.
   *
   * @example
   * await expect(qa.profiles.key('users', 'u-1')).toHaveEntry({ name: 'Ann', visits: 3 }, { generation: 2 });
   */
  key<Record extends object = Bins>(set: string, id: RecordId): EntrySource<Record> {
    return recordSource<Record>(this.#store, set, id);
  }

  /**
   * The records of a set as rows, each with its bins. A look reads at most 10,000 records.
   *
   * @example
   * await expect(qa.profiles.set('users')).toHaveRowMatching({ name: 'Ann' });
   */
  set<Row extends object = Bins>(name: string): RowSource<Row> {
    return setSource<Row>(this.#store, name);
  }

  /**
   * Writes records in one batch; each is then what is given here, whatever was there.
   *
   * @throws QaError QA_MISUSE for what no record can hold, QA_QUERY_FAILED naming the first that the server refused
   * @example
   * await qa.profiles.seed('users', { 'u-1': { name: 'Ann', visits: 3 } }, { ttl: 3600 });
   * await qa.profiles.seed('counters', new Map([[1, { n: 0 }]]));
   */
  async seed(set: string, records: SeedRecords, options: SeedOptions = {}): Promise<void> {
    const store = this.#store;
    await store.call(this.seed, 'The records were not written', (signal) => seed(store, set, records, options, signal));
  }
}
