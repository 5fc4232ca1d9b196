/** Resets a throwaway database: all of it is ours. */
import type pg from 'pg';
import type { Resetter } from '../../../core/binding.ts';
import { QaError } from '../../../core/errors.ts';
import { type Opened, openBaseline, REMEMBER_FILES, type Run, rememberObjects } from './baseline.ts';
import { ResetConnection } from './connection.ts';
import type { Context } from './context.ts';
import { copyTables } from './copy.ts';
import { type Dirt, type Dirty, findByLooking, findInWal, planFor, type Since, type Unlogged } from './find.ts';
import { differences, type Repair, repair } from './repair.ts';
import { BEGIN, keep, lock, restoreText, rows, truncateText, vacuumText } from './restore.ts';
import { readSequences } from './sequences.ts';

/** A deadlock with the service under test ends ours, so it is tried again. */
const MOST_ATTEMPTS = 5;

export interface ThrowawayOptions {
  /** Never read the WAL: look at the tables. For servers that cannot, and for tests. */
  finder?: 'wal' | 'look' | undefined;
}

export class ThrowawayResetter implements Resetter {
  readonly #context: Context;
  readonly #connection: ResetConnection;
  readonly #finder: ThrowawayOptions['finder'];
  readonly #run: Run;
  #depth = 0;
  #opened: Opened | undefined;
  #unlogged: readonly Unlogged[] = [];

  constructor(context: Context, config: pg.ClientConfig, { finder }: ThrowawayOptions = {}) {
    this.#context = context;
    this.#finder = finder;
    this.#connection = new ResetConnection(context, { ...config, options: SESSION });
    this.#run = (statement, signal) => this.#connection.run(statement, signal);
    // What is known of the WAL ends with the connection: a server that crashed may have lost our own last writes.
    this.#connection.onConnect = async () => {
      this.#opened = undefined;
    };
  }

  /** The first row of what the administrator sees there. */
  async ask<Row>(sql: string, signal: AbortSignal): Promise<Row> {
    const [result] = await this.#run(sql, signal);
    return result!.rows[0];
  }

  /** Takes the baseline, or finds the one that an earlier process took. */
  async open(signal: AbortSignal): Promise<void> {
    await this.#ready(signal);
  }

  reset(signal: AbortSignal): Promise<void> {
    return this.#attempts(signal, async () => {
      const dirt = await this.#find(signal);
      if (dirt.ddl && (await this.#undoSchema(dirt, signal))) return;
      if (dirt.dirty.length === 0 && !dirt.popped) return this.#moveOn(dirt, []);
      const own: string[] = [];
      const truncation = truncateText(dirt.dirty);
      if (truncation !== undefined) own.push(...(await this.#truncate(truncation, signal)));
      const files = dirt.rewritten ? REMEMBER_FILES : '';
      own.push(xidOf(await this.#run(restoreText(dirt, this.#depth, files), signal)));
      this.#moveOn(dirt, own);
      const vacuum = vacuumText(dirt.dirty);
      if (vacuum !== undefined) await this.#run(vacuum, signal);
    });
  }

  push(signal: AbortSignal): Promise<void> {
    return this.#attempts(signal, async () => {
      const dirt = await this.#find(signal);
      const level = this.#depth + 1;
      const changed = dirt.changed ?? (dirt.ddl ? await differences(this.#run, this.#depth, signal) : []);
      const tables = new Set(changed.flatMap(({ table }) => (table === null ? [] : [table])));
      const dirty = await this.#withRewritten(dirt, tables, signal);
      if (dirty.length > 0 || changed.length > 0 || dirt.popped) {
        await this.#run(`${BEGIN}; ${lock(dirty)}`, signal);
        // Left-overs of popped levels: what they held has just been copied, with what is there now.
        const { serverVersion } = await this.#ready(signal);
        await this.#run(keep(dirt, this.#depth), signal);
        await copyTables(
          this.#run,
          dirty.filter(({ kind }) => kind === 'r'),
          level,
          signal,
        );
        const only = dirty.flatMap(({ oid, kind }) => (kind === 'S' ? [oid] : []));
        await readSequences(this.#run, { version: serverVersion, level, only }, signal);
        if (dirt.ddl) await this.#run(REMEMBER_FILES, signal);
        if (changed.length > 0) await this.#run(rememberObjects(level), signal);
        this.#moveOn(dirt, [xidOf(await this.#run('select pg_current_xact_id()::xid::text as xid; commit', signal))]);
        if (changed.length > 0) await this.#readUnlogged(signal);
      } else this.#moveOn(dirt, []);
      this.#depth = level;
    });
  }

  pop(): void {
    if (this.#depth > 0) this.#depth -= 1;
  }

  renew(): boolean {
    this.#depth = 0;
    return this.#connection.isOpen;
  }

  close(): Promise<void> {
    return this.#connection.close();
  }

  async #ready(signal: AbortSignal): Promise<Opened> {
    if (this.#opened) return this.#opened;
    const opened = await openBaseline(this.#connection, signal);
    await this.#readUnlogged(signal);
    this.#opened = opened;
    return opened;
  }

  async #find(signal: AbortSignal): Promise<Dirt> {
    // The connection may only now turn out to be a new one.
    if (!this.#connection.isOpen) await this.#run('select', signal);
    const opened = await this.#ready(signal);
    const find = opened.hasWal && this.#finder !== 'look' ? findInWal : findByLooking;
    return find(this.#run, this.#since(opened), signal);
  }

  #since({ mark, own, database, serverVersion }: Opened): Since {
    return { mark, own, database, serverVersion, depth: this.#depth, unlogged: this.#unlogged };
  }

  #moveOn({ mark }: Dirt, own: string[]): void {
    if (this.#opened) this.#opened = { ...this.#opened, mark, own };
  }

  /** False: the catalogs are as they were, and no table was rewritten; temporary tables do that. */
  async #undoSchema(dirt: Dirt, signal: AbortSignal): Promise<boolean> {
    const changed = dirt.changed ?? (await differences(this.#run, this.#depth, signal));
    dirt.dirty = await this.#withRewritten(dirt, new Set(), signal);
    if (changed.length === 0) return false;
    await this.#run(BEGIN, signal);
    const { left } = await repair(
      this.#run,
      { depth: this.#depth, found: changed },
      async (made) => {
        const names = new Set([...dirt.dirty.map(({ name }) => name), ...made]);
        const dirty = await planFor(this.#run, [...names], this.#depth, signal);
        await this.#run([lock(dirty), rows(dirty, false)].filter(Boolean).join(';\n') || 'select', signal);
        await this.#run(ALL_SEQUENCES(this.#depth), signal);
      },
      signal,
    );
    await this.#run(REMEMBER_FILES, signal);
    await this.#run(keep({ ...dirt, popped: true }, this.#depth), signal);
    const xid = xidOf(await this.#run('select pg_current_xact_id()::xid::text as xid; commit', signal));
    await this.#readUnlogged(signal);
    if (left.length > 0) throw this.#notRestored(left);
    this.#moveOn(dirt, [xid]);
    return true;
  }

  /** Adds tables that were truncated or rewritten, which only their file tells, and `also`. */
  async #withRewritten(dirt: Dirt, also: ReadonlySet<string>, signal: AbortSignal): Promise<Dirty[]> {
    if (!dirt.ddl) return dirt.dirty;
    const [rewritten] = await this.#run(REWRITTEN, signal);
    dirt.rewritten = rewritten!.rows.length > 0;
    const names = new Set([
      ...dirt.dirty.map(({ name }) => name),
      ...rewritten!.rows.map((row) => row.name as string),
      ...also,
    ]);
    return planFor(this.#run, [...names], this.#depth, signal);
  }

  /** The transaction's id, or nothing: a reader held a table, so its rows are deleted instead. */
  async #truncate(text: string, signal: AbortSignal): Promise<string[]> {
    try {
      return [xidOf(await this.#run(text, signal))];
    } catch (error) {
      if ((error as { code?: string }).code !== '55P03') throw error;
      await this.#run('rollback', signal);
      return [];
    }
  }

  async #readUnlogged(signal: AbortSignal): Promise<void> {
    const [result] = await this.#run(UNLOGGED, signal);
    this.#unlogged = result!.rows;
  }

  async #attempts(signal: AbortSignal, run: () => Promise<void>): Promise<void> {
    for (let attempt = 1; ; attempt++) {
      try {
        return await run();
      } catch (error) {
        if (error instanceof QaError) throw error;
        await this.#run('rollback', signal);
        if ((error as { code?: string }).code !== '40P01' || attempt === MOST_ATTEMPTS) throw this.#failed(error);
      }
    }
  }

  #failed(cause: unknown): QaError {
    const { connection, address, redact } = this.#context;
    return new QaError('QA_RESET_FAILED', {
      what: `The server refused a statement of the reset: ${redact(cause instanceof Error ? cause.message : String(cause))}`,
      mend: 'The cause has the details; `QA_KEEP=1` keeps the server so that you can look',
      connection,
      address,
      cause,
    });
  }

  #notRestored(left: Repair['left']): QaError {
    const { connection, address, redact } = this.#context;
    const lines = left.slice(0, 10).map(({ kind, id, is, error }) => {
      const how = is === 'extra' ? 'is new and could not be dropped' : is === 'missing' ? 'was dropped' : 'was changed';
      return `  ${kind} ${id} ${how}${error ? `: ${redact(error)}` : ''}`;
    });
    if (left.length > lines.length) lines.push(`  and ${left.length - lines.length} more`);
    return new QaError('QA_RESET_FAILED', {
      what: `A test changed the schema, and this could not be undone:\n${lines.join('\n')}\n`,
      mend: 'Make that change in `beforeAll` or in the schema, where it belongs to the baseline, or undo it in the test',
      connection,
      address,
    });
  }
}

/** Settings of the user's database or role must not change what our statements mean, or end them. */
const SESSION = [
  'statement_timeout=0',
  'lock_timeout=0',
  'idle_in_transaction_session_timeout=0',
  'idle_session_timeout=0',
  'default_transaction_isolation=read\\ committed',
  'default_transaction_read_only=off',
  'DateStyle=ISO',
  'IntervalStyle=postgres',
  'TimeZone=UTC',
  'bytea_output=hex',
  'extra_float_digits=1',
  'row_security=off',
  'jit=off',
  // Ours are prepared once and run before every test.
  'plan_cache_mode=force_generic_plan',
  'client_min_messages=warning',
  'client_connection_check_interval=500ms',
]
  .map((setting) => `-c ${setting}`)
  .join(' ');

const UNLOGGED = `
  select c.oid, c.relkind as kind from pg_class c join pg_namespace n on n.oid = c.relnamespace
   where c.relpersistence = 'u' and c.relkind in ('r', 'S') and n.nspname <> 'qa_baseline'`;

const REWRITTEN = `
  select format('%I.%I', n.nspname, c.relname) as name
    from pg_class c join pg_namespace n on n.oid = c.relnamespace
    left join qa_baseline.files f on f.name = format('%I.%I', n.nspname, c.relname)
   where c.relkind in ('r', 'm', 'S') and n.nspname !~ '^pg_' and n.nspname not in ('information_schema', 'qa_baseline')
     and f.file is distinct from pg_relation_filenode(c.oid)`;

/** Sequences made anew begin at their start. */
const ALL_SEQUENCES = (depth: number) => `
  select setval(c.oid, q.last_value, q.is_called)
    from (select distinct on (name) * from qa_baseline.sequences where level <= ${depth} order by name, level desc) q
    join pg_class c on c.oid = to_regclass(q.name) and c.relkind = 'S'
   where not q.is_called or pg_sequence_last_value(c.oid) is distinct from q.last_value;
  update qa_baseline.sequences set oid = to_regclass(name)::oid where oid is distinct from to_regclass(name)::oid`;

function xidOf(results: pg.QueryResult[]): string {
  const found = results.findLast((result) => result.rows[0]?.xid !== undefined);
  return found!.rows[0].xid;
}
