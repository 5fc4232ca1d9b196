/** Brings a keyspace back to its baseline: what was written is found by looking, and nothing else is touched. */
import type { Resetter } from '../../../core/binding.ts';
import { QaError } from '../../../core/errors.ts';
import type { Place } from '../errors.ts';
import { firstLine, statementError } from '../errors.ts';
import type { TableShape } from '../shape.ts';
import { type Baseline, filledRows, parallel, takeBaseline } from './baseline.ts';
import { timesOfReset } from './clock.ts';
import { repair } from './repair.ts';
import type { RowText, Tables } from './tables.ts';

/** With more partitions than these in a table it is emptied as a whole: a tombstone each would slow what reads it. */
const FEW = 100;
/** So many were removed from a table one by one. */
const MANY_TOMBSTONES = 500;

export interface ResetterOptions {
  place: Place;
  /** What the keyspace holds at first. */
  baseline: Baseline;
  /** The only tables to touch, and nothing of the schema; undefined: all. */
  only?: readonly string[];
  /** Before anything is touched. */
  guard?(signal: AbortSignal): Promise<void>;
  release?(): Promise<void>;
}

interface Dirt {
  table: TableShape;
  /** Keys of partitions, as the driver gives them or as texts, to be removed; undefined: all of the table. */
  remove: readonly (readonly unknown[])[] | undefined;
  restore: readonly RowText[];
}

export class KeyspaceResetter implements Resetter {
  readonly #tables: Tables;
  readonly #options: ResetterOptions;
  readonly #levels: Baseline[];
  readonly #removed = new Map<string, number>();
  #shapes: readonly TableShape[] | undefined;
  #schemaVersion: string | undefined;

  constructor(tables: Tables, options: ResetterOptions) {
    this.#tables = tables;
    this.#options = options;
    this.#levels = [options.baseline];
  }

  reset(signal: AbortSignal): Promise<void> {
    return this.#told('reset', signal, async () => {
      await this.#options.guard?.(signal);
      await this.#repairSchema(signal);
      const dirt = await this.#find(signal);
      if (dirt.length === 0) return;
      await this.#clean(dirt, signal);
      // What was written with a time in the future outlives a removal, but not a truncation.
      const left = await this.#find(
        signal,
        dirt.map(({ table }) => table),
      );
      if (left.length === 0) return;
      await this.#clean(
        left.map(({ table }) => this.#whole(table)),
        signal,
      );
    });
  }

  push(signal: AbortSignal): Promise<void> {
    return this.#told('baseline', signal, async () => {
      await this.#options.guard?.(signal);
      if (this.#options.only) {
        const rows = await filledRows(this.#tables, await this.#known(signal), signal);
        this.#levels.push({ schema: [], rows });
        return;
      }
      this.#schemaVersion = await this.#tables.schemaVersion(signal);
      this.#levels.push(await takeBaseline(this.#tables, signal));
      this.#shapes = undefined;
    });
  }

  pop(): void {
    if (this.#levels.length === 1) return;
    this.#levels.pop();
    this.#schemaVersion = undefined;
  }

  renew(): boolean {
    this.#levels.length = 1;
    this.#schemaVersion = undefined;
    return this.#options.release === undefined;
  }

  async close(): Promise<void> {
    await this.#options.release?.();
  }

  get #baseline(): Baseline {
    return this.#levels.at(-1)!;
  }

  async #repairSchema(signal: AbortSignal): Promise<void> {
    if (this.#options.only) return;
    const version = await this.#tables.schemaVersion(signal);
    if (version === this.#schemaVersion) return;
    const isChanged = await repair(this.#tables, this.#baseline.schema, signal);
    this.#schemaVersion = isChanged ? await this.#tables.schemaVersion(signal) : version;
    this.#shapes = undefined;
  }

  async #known(signal: AbortSignal): Promise<readonly TableShape[]> {
    const { only } = this.#options;
    if (this.#shapes === undefined) {
      const all = await this.#tables.shapes(signal);
      this.#shapes = only ? all.filter(({ name }) => only.includes(name)) : all;
    }
    return this.#shapes;
  }

  async #find(signal: AbortSignal, among?: readonly TableShape[]): Promise<Dirt[]> {
    const tables = among ?? (await this.#known(signal));
    const found = await parallel(tables, (table) => this.#dirtOf(table, signal));
    return found.filter((dirt) => dirt !== undefined);
  }

  async #dirtOf(table: TableShape, signal: AbortSignal): Promise<Dirt | undefined> {
    const before = this.#baseline.rows[table.name] ?? [];
    if (before.length === 0) {
      const keys = await this.#tables.partitions(table, FEW + 1, signal);
      if (keys.length === 0) return undefined;
      return this.#isTruncated(table, keys.length) ? this.#whole(table) : { table, remove: keys, restore: [] };
    }
    const now = byPartition(table, await this.#tables.rows(table, signal));
    const then = byPartition(table, before);
    const dirty = [...new Set([...now.keys(), ...then.keys()])].filter(
      (key) => textOf(now.get(key)) !== textOf(then.get(key)),
    );
    if (dirty.length === 0) return undefined;
    if (this.#isTruncated(table, dirty.length) || this.#options.only) return this.#whole(table);
    return {
      table,
      remove: dirty.map((key) => JSON.parse(key) as string[]),
      restore: dirty.flatMap((key) => then.get(key) ?? []),
    };
  }

  /** A removed counter cannot be counted again, and on a stand no clock is known to be right. */
  #isTruncated({ name, isCounter }: TableShape, partitions: number): boolean {
    if (isCounter || this.#options.only || partitions > FEW) return true;
    return (this.#removed.get(name) ?? 0) + partitions > MANY_TOMBSTONES;
  }

  #whole(table: TableShape): Dirt {
    return { table, remove: undefined, restore: this.#baseline.rows[table.name] ?? [] };
  }

  async #clean(dirt: readonly Dirt[], signal: AbortSignal): Promise<void> {
    const times = timesOfReset();
    await parallel(dirt, async ({ table, remove, restore }) => {
      const { name } = table;
      if (remove === undefined) {
        await this.#tables.truncate(table, signal);
        this.#removed.delete(name);
      } else {
        const isText = (this.#baseline.rows[name]?.length ?? 0) > 0;
        await parallel(remove, (key) => this.#tables.remove(table, { key, isText, time: times.removed }, signal));
        this.#removed.set(name, (this.#removed.get(name) ?? 0) + remove.length);
      }
      const time = remove === undefined ? undefined : times.restored;
      await parallel(restore, (row) => this.#tables.restore(table, row, time, signal));
    });
    await times.over();
  }

  async #told(what: string, signal: AbortSignal, run: () => Promise<void>): Promise<void> {
    try {
      await run();
    } catch (error) {
      signal.throwIfAborted();
      if (error instanceof QaError) throw error;
      const told = statementError(error, this.#options.place, `A statement of the ${what}`);
      if (told.code !== 'QA_QUERY_FAILED' && told.code !== 'QA_NOT_FOUND') throw told;
      // A table that was dropped meanwhile, say: the next one asks for all of them again.
      this.#shapes = undefined;
      this.#schemaVersion = undefined;
      throw new QaError('QA_RESET_FAILED', {
        what: `The server refused a statement of the ${what}: ${this.#options.place.redact(firstLine(error as Error))}`,
        mend: 'The cause has the details; `QA_KEEP=1` keeps the server so that you can look',
        connection: told.connection,
        address: told.address,
        cause: error,
      });
    }
  }
}

/** Rows by the texts of their partition key. */
function byPartition({ columns, partition }: TableShape, rows: readonly RowText[]): Map<string, RowText[]> {
  const names = [...columns.keys()];
  const at = partition.map((name) => names.indexOf(name));
  const result = new Map<string, RowText[]>();
  for (const row of rows) {
    const key = JSON.stringify(at.map((index) => row[index]));
    const known = result.get(key);
    if (known) known.push(row);
    else result.set(key, [row]);
  }
  return result;
}

function textOf(rows: readonly RowText[] | undefined): string {
  return JSON.stringify(rows ?? []);
}
