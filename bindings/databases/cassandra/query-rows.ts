/** The rows of a query of the test's own: run as it is, judged in memory. */
import { ReadRows } from '../../core/read-rows.ts';
import type { Values } from '../../core/source.ts';
import type { Database } from './database.ts';
import { plain, same } from './values/nested.ts';
import { announcedType } from './values/type.ts';

export function queryRows(db: Database, label: string, cql: string, params: readonly unknown[]): ReadRows {
  return new ReadRows({
    label,
    where: () => `a query of qa.${db.scope.connection}${db.address ? ` (${db.address})` : ''}`,
    command: () => db.scope.redactor.redact(`${cql};`),
    async read(signal) {
      const result = await db.ask('The query', cql, params, { signal, repeatable: true });
      const types = (result.columns ?? []).map(({ name, type }) => ({ name, type: announcedType(type) }));
      const rows: Values[] = [];
      for (const raw of result.rows) {
        rows.push(Object.fromEntries(types.map(({ name, type }) => [name, plain(type, raw[name])])));
      }
      const columns = types.map(
        ({ name, type }) => [name, (actual: unknown, expected: unknown) => same(type, actual, expected)] as const,
      );
      return { rows: db.scope.adopt(rows), columns: new Map(columns) };
    },
  });
}
