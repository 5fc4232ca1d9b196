/** A set as rows: all of its records are read at each look, up to a number that is said. */
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
import { printQuery, printValue } from './query.ts';
import { checkSet, type Store } from './store.ts';
import { same } from './values.ts';

/** A look reads no more records than this: a set has no index that a test could rely on. */
export const CAP = 10_000;

export function setSource<Row extends object>(store: Store, set: string): RowSource<Row> {
  checkSet(set, store.scope.connection);
  const observer = new SetObserver(store, set);
  const what = 'A set was not read';
  const source: RowSource<Row> = {
    [SOURCE]: observer,
    all: () => store.call(source.all as Caller, what, (signal) => observer.all(signal) as Promise<Row[]>),
    count: () => store.call(source.count as Caller, what, (signal) => observer.count({ signal })),
    waitFor: (expected, options) =>
      store.scope.waitFor(source, expected, options, source.waitFor as Caller) as Promise<Row>,
  };
  return source;
}

class SetObserver implements RowObserver {
  readonly kind = 'rows';
  readonly ordered = false;
  readonly label: string;
  readonly #store: Store;
  readonly #set: string;

  constructor(store: Store, set: string) {
    this.#store = store;
    this.#set = set;
    this.label = `qa.${store.scope.connection}.set('${set}')`;
  }

  where(): string {
    const { address, scope } = this.#store;
    return `set ${this.#set} of qa.${scope.connection}${address ? ` (${address})` : ''}, at most ${print(CAP)} records`;
  }

  /** Bins are what records have: any name may come, but none that is too long. */
  async check(expected: Expected): Promise<void> {
    for (const [bin, value] of Object.entries(expected)) {
      if (value === undefined) {
        throw this.#misuse(`\`${bin}\` is undefined, which no record can match`, `Leave \`${bin}\` out`);
      }
      if (value === null) {
        throw this.#misuse(
          `\`${bin}\` is null, but a bin without a value does not exist`,
          `Leave \`${bin}\` out, or use .not`,
        );
      }
      if (Buffer.byteLength(bin) > 15) {
        throw this.#misuse(`no bin can be called \`${bin}\``, 'Names of bins have at most 15 bytes');
      }
    }
  }

  async find(expected: Expected, { limit, signal, accept }: FindOptions): Promise<Found> {
    // What the server could compare elsewhere is compared here: only rows that can match count.
    const parts = Object.entries(expected).filter(([, value]) => isPlainPart(value));
    const fits = (row: Values) => parts.every(([bin, value]) => same(row[bin], value)) && (accept?.(row) ?? true);
    const rows: Values[] = [];
    const { isCapped } = await this.#read(signal, (row) => {
      if (fits(row)) rows.push(row);
      return rows.length <= limit;
    });
    if (isCapped && rows.length <= limit) throw this.#tooMany('not all of what was looked for may be among them');
    return { rows: this.#adopt(rows.slice(0, limit)), more: rows.length > limit };
  }

  async count({ signal, atMost }: { signal?: AbortSignal | undefined; atMost?: number } = {}): Promise<number> {
    let count = 0;
    await this.#store.scan(this.#set, {
      bins: false,
      signal,
      take() {
        count += 1;
        return atMost === undefined || count < atMost;
      },
    });
    return count;
  }

  async all(signal?: AbortSignal): Promise<Values[]> {
    const rows: Values[] = [];
    const { isCapped } = await this.#read(signal, (row) => rows.push(row) > 0);
    if (isCapped) throw this.#tooMany('all of them cannot be given');
    return this.#adopt(rows);
  }

  async explain(expected: Expected, { limit, signal }: { limit: number; signal: AbortSignal }): Promise<Explained> {
    const parts = Object.entries(expected).filter(([, value]) => isPlainPart(value));
    const fulfilled: Record<string, number> = Object.fromEntries(parts.map(([bin]) => [bin, 0]));
    const rows: { row: Values; hits: string[] }[] = [];
    const { isCapped, seen } = await this.#read(signal, (row) => {
      const hits = parts.filter(([bin, value]) => same(row[bin], value)).map(([bin]) => bin);
      for (const bin of hits) fulfilled[bin]! += 1;
      rows.push({ row, hits });
      return true;
    });
    // A part that few rows fulfil tells more than one that many do: the right id before the right status.
    const weight = (bin: string) => 0.1 + Math.log((seen + 1) / (fulfilled[bin]! + 1));
    const rank = ({ hits }: { hits: string[] }) => hits.reduce((sum, bin) => sum + weight(bin), 0);
    const nearest = rows.sort((a, b) => rank(b) - rank(a)).slice(0, limit);
    return { rows: this.#adopt(nearest.map(({ row }) => row)), total: seen, totalIsFloor: isCapped, fulfilled };
  }

  equal(_: string, actual: unknown, expected: unknown): boolean | undefined {
    return same(actual, expected);
  }

  command(expected: Expected): string {
    // Without an index AQL compares nothing but the key: it shows what there is.
    const bins = Object.keys(expected).join(', ') || '*';
    return printQuery(this.#store, `SELECT ${bins} FROM {set}`, this.#set);
  }

  /** Reads on until `take` says no. */
  async #read(
    signal: AbortSignal | undefined,
    take: (row: Values) => boolean,
  ): Promise<{ isCapped: boolean; seen: number }> {
    let seen = 0;
    let isCapped = false;
    await this.#store.scan(this.#set, {
      signal,
      take({ bins }) {
        isCapped = seen === CAP;
        if (isCapped) return false;
        seen += 1;
        return take(bins);
      },
    });
    return { isCapped, seen };
  }

  #adopt(rows: Values[]): Values[] {
    return this.#store.scope.adopt(rows);
  }

  #tooMany(but: string): QaError {
    const { connection, address } = this.#store.place;
    return new QaError('QA_QUERY_FAILED', {
      what: `The set \`${this.#set}\` holds more than the ${print(CAP)} records that are read of one, and ${but}`,
      mend: `Look at the record itself, qa.${connection}.key(${printValue(this.#set)}, …), query an index with qa.${connection}.client.query(…), or empty the set before`,
      connection,
      address,
    });
  }

  #misuse(what: string, mend: string): QaError {
    return new QaError('QA_MISUSE', { what: `${this.label}: ${what}`, mend });
  }
}

/** A value that can be compared by itself: no asymmetric matcher. */
function isPlainPart(value: unknown): boolean {
  return typeof (value as { asymmetricMatch?: unknown } | null)?.asymmetricMatch !== 'function';
}

function print(count: number): string {
  return count.toLocaleString('en-US');
}
