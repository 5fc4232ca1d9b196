/**
 * A store of one's own, as a user may write one: rows in an array. It does by the contract what a database does,
 * so that the matchers' behaviour over time can be tested to the millisecond.
 */
import { QaError } from '../../bindings/core/errors.ts';
import { type Expected, type RowObserver, type RowSource, SOURCE, type Values } from '../../bindings/core/source.ts';
import { differences } from '../../matchers/judge.ts';

export interface ArrayStore {
  source: RowSource;
  rows: Values[];
  /** Thrown by each look while set. */
  broken: Error | undefined;
  /** Looks never answer while set, until their signal ends them. */
  hangs: boolean;
  readonly calls: { find: number; explain: number; check: number; count: number };
}

export function arrayStore(
  rows: Values[] = [],
  { label = "qa.db.table('orders')", ordered = false, columns = ['id', 'status', 'total'] } = {},
): ArrayStore {
  const store: ArrayStore = {
    source: undefined as never,
    rows,
    broken: undefined,
    hangs: false,
    calls: { find: 0, explain: 0, check: 0, count: 0 },
  };
  const answer = async (signal: AbortSignal) => {
    if (store.hangs) await new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)));
    if (store.broken) throw store.broken;
  };
  const observer: RowObserver = {
    kind: 'rows',
    label,
    ordered,
    where: () => 'table orders of qa.db (memory)',
    async check(expected) {
      store.calls.check += 1;
      for (const column of Object.keys(expected)) {
        if (columns.includes(column)) continue;
        throw new QaError('QA_MISUSE', {
          what: `There is no column \`${column}\``,
          mend: 'Correct it',
          connection: 'db',
        });
      }
    },
    async find(_expected, { limit, signal, accept = () => true }) {
      store.calls.find += 1;
      await answer(signal);
      const found = store.rows.filter((row) => accept(row));
      return { rows: found.slice(0, limit), more: found.length > limit };
    },
    async count({ signal, atMost = Number.POSITIVE_INFINITY }) {
      store.calls.count += 1;
      await answer(signal);
      return Math.min(store.rows.length, atMost);
    },
    async explain(expected, { limit, signal }) {
      store.calls.explain += 1;
      await answer(signal);
      const misses = (row: Values) => differences(row, expected, {}).length;
      const fulfils = (row: Values, column: string) =>
        differences(row, { [column]: expected[column] }, {}).length === 0;
      return {
        rows: store.rows.toSorted((a, b) => misses(a) - misses(b)).slice(0, limit),
        total: store.rows.length,
        totalIsFloor: false,
        fulfilled: Object.fromEntries(
          Object.keys(expected).map((column) => [column, store.rows.filter((row) => fulfils(row, column)).length]),
        ),
      };
    },
    equal: () => undefined,
    command: (expected: Expected) => `select * from orders where ${JSON.stringify(expected)}`,
  };
  store.source = {
    [SOURCE]: observer,
    all: async () => [...store.rows],
    count: async () => store.rows.length,
    waitFor: () => Promise.reject(new Error('not by this source')),
  };
  return store;
}
