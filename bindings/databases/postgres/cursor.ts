/** A cursor of the server, in a read-only transaction of its own. */
import type { Values } from '../../core/source.ts';
import type { Database } from './database.ts';
import { statementError } from './errors.ts';
import { hold } from './execute.ts';
import type { Build, Origin } from './look.ts';
import { Parameters } from './predicate.ts';
import type { Shape } from './shape.ts';

export interface Cursor {
  /** The next rows; none at the end. */
  next(count: number): Promise<Values[]>;
  /** Never throws. */
  close(): Promise<void>;
}

export async function openCursor(
  db: Database,
  origin: Origin,
  build: Build,
  shape: Shape,
  signal: AbortSignal,
): Promise<Cursor> {
  const held = await hold(db.pool, signal);
  const run = async (text: string, values: unknown[] = []) => {
    try {
      return await held.run({ text, values, types: db.sourceTypes });
    } catch (error) {
      signal.throwIfAborted();
      throw statementError(error, db.place, `Reading ${origin.what}`);
    }
  };
  const cursor: Cursor = {
    next: async (count) => (await run(`fetch ${count} from qa_scan`)).rows as Values[],
    close: () => held.release('rollback'),
  };
  try {
    await run('begin read only');
    const parameters = new Parameters(origin.values);
    const select = build(shape, parameters, true);
    await run(`declare qa_scan no scroll cursor for ${select}`, parameters.values);
    return cursor;
  } catch (error) {
    await held.release('rollback');
    throw error;
  }
}
