/** One look at a table or query: the columns it is built on are checked against those of its result. */
import type pg from 'pg';
import { QaError } from '../../core/errors.ts';
import type { Database } from './database.ts';
import { connectionError, statementError } from './errors.ts';
import { Parameters } from './predicate.ts';
import { fits, type Shape } from './shape.ts';

/** What a source looks at. */
export interface Origin {
  /** Under which its columns are kept. */
  key: string;
  /** `table orders` */
  what: string;
  /** Parameters of its own, `$1` … */
  values: readonly unknown[];
  load(signal?: AbortSignal): Promise<Shape>;
}

export interface Looked {
  result: pg.QueryResult;
  shape: Shape;
  /** False where the server refused the pushed parts. */
  pushes: boolean;
}

/** A statement on a shape; `pushes` is false when parts of an expectation must be left to memory. */
export type Build = (shape: Shape, parameters: Parameters, pushes: boolean) => string;

/**
 * Errors that a part pushed into SQL can cause: a value that the server cannot hold, a type without `=`, a
 * collation that it cannot choose, a name that a query gives to two columns.
 */
const PUSHED = /^(22...|42883|42P22|42702|42725|42804|42846|54...)$/;

/** A table that is altered again and again while it is looked at. */
const ATTEMPTS = 4;

export async function look(
  db: Database,
  origin: Origin,
  build: Build,
  { signal, columnsFrom = 0 }: { signal?: AbortSignal | undefined; columnsFrom?: number },
): Promise<Looked> {
  let pushes = true;
  for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
    const kept = db.shapes.get(origin.key);
    const shape = kept ?? (await load(db, origin, signal));
    const parameters = new Parameters(origin.values);
    const statement = {
      text: build(shape, parameters, pushes),
      values: parameters.values,
      types: db.sourceTypes,
      queryMode: 'extended' as const,
    };
    try {
      const result = await db.run(statement, { signal, repeatable: true });
      if (fits(shape, result.fields.slice(columnsFrom))) return { result, shape, pushes };
      db.shapes.delete(origin.key);
    } catch (error) {
      signal?.throwIfAborted();
      if (connectionError(error, db.place)) throw statementError(error, db.place, `Reading ${origin.what}`);
      if (kept) db.shapes.delete(origin.key);
      else if (pushes && PUSHED.test((error as { code?: string }).code ?? '')) pushes = false;
      else throw statementError(error, db.place, `Reading ${origin.what}`);
    }
  }
  throw new QaError('QA_QUERY_FAILED', {
    what: `The columns of ${origin.what} changed at each of ${ATTEMPTS} looks`,
    mend: 'Let the migration end before looking',
    connection: db.place.connection,
    address: db.place.address,
  });
}

/** Asks the catalog anew, and keeps the answer where it may. */
export async function load(db: Database, origin: Origin, signal?: AbortSignal): Promise<Shape> {
  const shape = await origin.load(signal);
  if (shape.isKept) db.shapes.set(origin.key, shape);
  else db.shapes.delete(origin.key);
  return shape;
}
