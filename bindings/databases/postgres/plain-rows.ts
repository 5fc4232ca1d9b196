/** What cannot stand in a subquery (`show`, `explain`): run as it is, judged in memory. */

import { ReadRows } from '../../core/read-rows.ts';
import type { Values } from '../../core/source.ts';
import type { Database } from './database.ts';
import { statementError } from './errors.ts';
import type { Subject } from './observer.ts';
import { shapeOf } from './shape.ts';
import { same } from './values/nested.ts';

/**
 * `wrapped`: may stand in a subquery, where the server refuses all that writes (`insert`, `update`, `delete`, also
 * inside of `with`). `plain`: reads, but only by itself. Else the word it begins with.
 */
export function classify(sql: string): 'wrapped' | 'plain' | { other: string } {
  const bare = sql.replace(/^(?:\s|--[^\n]*(?:\n|$)|\/\*[\s\S]*?\*\/|\()+/, '');
  const word = /^\w*/.exec(bare)![0].toLowerCase();
  if (['select', 'with', 'values', 'table'].includes(word)) return 'wrapped';
  if (word === 'show' || (word === 'explain' && !/^explain\s*(\([^)]*\banalyz?se?\b|analyz?se?\b)/i.test(bare)))
    return 'plain';
  return { other: word || bare.slice(0, 10) };
}

export function plainRows(db: Database, { label, values }: Subject, sql: string): ReadRows {
  return new ReadRows({
    label,
    where: () => `a query of qa.${db.scope.connection}${db.address ? ` (${db.address})` : ''}`,
    command: () => db.scope.redactor.redact(`${sql};`),
    async read(signal) {
      const statement = {
        text: sql,
        values: [...values],
        types: db.sourceTypes,
        queryMode: 'extended' as const,
      };
      try {
        const result = await db.run(statement, { signal, repeatable: true });
        const { byName } = await shapeOf(db, '', result.fields, signal);
        const columns = Array.from(
          byName,
          ([name, { type }]) =>
            [name, (actual: unknown, expected: unknown) => same(type.codec, actual, expected)] as const,
        );
        return { rows: db.scope.adopt(result.rows as Values[]), columns: new Map(columns) };
      } catch (error) {
        signal?.throwIfAborted();
        throw statementError(error, db.place, 'The query');
      }
    },
  });
}
