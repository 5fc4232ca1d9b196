/**
 * Resets the listed tables of a stand that carries the marker. Needs no administrator: rows are deleted and put
 * back in the order of foreign keys, copies are temporary tables, and a lock admits one run at a time.
 */
import type pg from 'pg';
import type { Resetter } from '../../../core/binding.ts';
import { QaError } from '../../../core/errors.ts';
import type { Blocker } from './blocker.ts';
import { ResetConnection } from './connection.ts';
import type { Context } from './context.ts';
import { checkListed, LISTABLE, type Listable, type Listed, resolveListed } from './listed.ts';

/** Key of the advisory lock: 'qa' in ASCII, and 1 for resets. */
const LOCK = '29025, 1';

/** Copies of one baseline by table; a table that is missing was empty. */
type Level = Map<number, string>;

export class MarkedResetter implements Resetter {
  readonly #context: Context;
  readonly #connection: ResetConnection;
  readonly #names: readonly string[];
  #tables: Listed[] = [];
  #levels: Level[] = [];
  /** Copies of popped levels. */
  #stale: string[] = [];
  #isConnected = false;
  #copies = 0;

  constructor(context: Context, pool: pg.Pool, names: readonly string[]) {
    this.#context = context;
    this.#names = names;
    const { options } = pool;
    // The pool hides the password from enumeration.
    this.#connection = new ResetConnection(context, { ...options, password: options.password });
    this.#connection.onConnect = async (run) => {
      await run(SETTINGS);
      this.#isConnected = false;
    };
  }

  async open(signal: AbortSignal): Promise<void> {
    await this.#ready(signal);
    const [found] = await this.#connection.run(LISTABLE, signal);
    this.#tables = resolveListed(this.#names, found!.rows as Listable[], this.#context);
    checkListed(this.#tables, found!.rows as Listable[], this.#context);
  }

  async reset(signal: AbortSignal): Promise<void> {
    await this.#transaction(signal, async () => {
      const level = this.#levels.at(-1) ?? new Map();
      const [result] = await this.#connection.run(
        `select ${this.#tables.map((table, i) => `${differs(table, level.get(table.oid))} as t${i}`).join(', ')}`,
        signal,
      );
      const dirty = this.#tables.filter((_, i) => result!.rows[0][`t${i}`]);
      const touched = withReferrers(dirty, this.#tables);
      if (touched.length === 0) return;
      const refills = touched.toReversed().flatMap((table) => refill(table, level.get(table.oid)));
      await this.#connection.run([...emptying(touched), ...refills].join(';\n'), signal);
    });
  }

  async push(signal: AbortSignal): Promise<void> {
    const level: Level = new Map();
    await this.#transaction(signal, async () => {
      const [result] = await this.#connection.run(
        `select ${this.#tables.map((table, i) => `exists (select from ${table.from}) as t${i}`).join(', ')}`,
        signal,
      );
      const filled = this.#tables.filter((_, i) => result!.rows[0][`t${i}`]);
      for (const { oid } of filled) level.set(oid, `pg_temp.qa_rows_${this.#copies++}`);
      const copies = filled.map(
        (table) => `create temp table ${level.get(table.oid)} as select ${table.columns.join(', ')} from ${table.from}`,
      );
      if (copies.length > 0) await this.#connection.run(copies.join('; '), signal);
    });
    this.#levels.push(level);
  }

  pop(): void {
    this.#stale.push(...(this.#levels.pop()?.values() ?? []));
  }

  /** Ends the session, and with it the lock and all copies. */
  close(): Promise<void> {
    return this.#connection.close();
  }

  async #ready(signal: AbortSignal): Promise<void> {
    await this.#connection.run('select', signal);
    if (this.#isConnected) return;
    const lost = this.#levels.some((level) => level.size > 0);
    await this.#connection.run(`select pg_advisory_lock(${LOCK})`, signal, (blocker, cause) =>
      this.#taken(blocker, cause),
    );
    this.#isConnected = true;
    if (lost) {
      this.#levels = this.#levels.map(() => new Map());
      throw this.#error(
        'The connection that kept the rows of `beforeAll` broke, and they are gone with it',
        'Run the file again',
      );
    }
  }

  async #transaction(signal: AbortSignal, run: () => Promise<void>): Promise<void> {
    await this.#ready(signal);
    const names = this.#tables.map(({ from }) => from).join(', ');
    const clear = this.#stale.map((name) => `drop table if exists ${name};`).join(' ');
    try {
      await this.#connection.run(
        `begin; ${clear} lock table ${names} in share row exclusive mode; set constraints all deferred`,
        signal,
      );
      await run();
      await this.#connection.run('commit', signal);
      this.#stale = [];
    } catch (error) {
      if (error instanceof QaError) throw error;
      await this.#connection.run('rollback', signal);
      throw this.#error(
        `The server refused a statement of the reset: ${this.#context.redact(error instanceof Error ? error.message : String(error))}`,
        'See whether the user of this connection may SELECT, INSERT, DELETE and create temporary tables, and whether a trigger or a foreign key forbids it',
        error,
      );
    }
  }

  #taken({ application, pid }: Blocker, cause: unknown): QaError {
    const { connection, address, redact } = this.#context;
    return new QaError('QA_RESET_BLOCKED', {
      what: `Another run, ${application ? redact(application) : 'of unknown name'} (pid ${pid}), is using this stand, and only one may empty it at a time`,
      mend: 'Wait until it has ended, or give this run more time with `openTimeout`',
      connection,
      address,
      cause,
    });
  }

  #error(what: string, mend: string, cause?: unknown): QaError {
    const { connection, address } = this.#context;
    return new QaError('QA_RESET_FAILED', { what, mend, connection, address, cause });
  }
}

/** Settings of the user's pool must not end a wait that has its own deadline. */
const SETTINGS = `
  select set_config(name, '0', false) from pg_settings
   where name in ('statement_timeout', 'lock_timeout', 'idle_in_transaction_session_timeout', 'idle_session_timeout')`;

function differs({ from, columns }: Listed, copy: string | undefined): string {
  if (copy === undefined) return `exists (select from ${from})`;
  const digest = (source: string) =>
    `(select (count(*), sum(hashtextextended(row(${columns.map((c) => `t.${c}`).join(', ')})::text, 0)::numeric))::text from ${source} t)`;
  return `${digest(from)} <> ${digest(copy)}`;
}

/** Rows of the tables, and of all listed ones that refer to them, in the order of deletion. */
function withReferrers(dirty: readonly Listed[], all: readonly Listed[]): Listed[] {
  const touched = new Set(dirty.map(({ oid }) => oid));
  for (let size = -1; size !== touched.size; ) {
    size = touched.size;
    for (const table of all) if (table.refersTo.some((oid) => touched.has(oid))) touched.add(table.oid);
  }
  return all.filter(({ oid }) => touched.has(oid));
}

/** TRUNCATE where rows cannot be deleted one table after the other, or triggers would write elsewhere. */
function emptying(tables: readonly Listed[]): string[] {
  const mustTruncate = tables.some(({ inCycle }) => inCycle);
  const wouldTruncate = tables.some(({ hasDeleteTrigger }) => hasDeleteTrigger) && tables.every((t) => t.mayTruncate);
  if (mustTruncate || wouldTruncate) return [`truncate ${tables.map(({ from }) => from).join(', ')}`];
  return tables.map(({ from }) => `delete from ${from}`);
}

function refill({ name, columns }: Listed, copy: string | undefined): string[] {
  if (copy === undefined) return [];
  const list = columns.join(', ');
  return [`insert into ${name} (${list}) overriding system value select ${list} from ${copy}`];
}
