/** Who holds the lock that a reset waits for. Looked up while it waits: when the time is up it is too late to ask. */
import type pg from 'pg';
import { clock } from '../../../core/clock.ts';
import { QaError } from '../../../core/errors.ts';
import type { Context } from './context.ts';

/** Between two looks, ms. */
const PAUSE = 200;
/** Time for the last words to the server after the deadline, ms. */
const GRACE = 150;

export interface Blocker {
  /** 0 for a prepared transaction, which no session holds. */
  pid: number;
  application: string | null;
  user: string | null;
  state: string | null;
  query: string | null;
  /** Age of its transaction, ms. */
  openFor: number | null;
}

export class BlockerWatch {
  readonly #connect: () => Promise<pg.Client>;
  #client: Promise<pg.Client> | undefined;
  #last: Blocker | undefined;

  constructor(connect: () => Promise<pg.Client>) {
    this.#connect = connect;
  }

  /** Looks at the session `pid` again and again, first after `delay` ms, until ended. */
  start(pid: number, delay: number): { end(): void } {
    const { setTimeout, clearTimeout } = clock();
    this.#last = undefined;
    let timer: NodeJS.Timeout | undefined;
    let ended = false;
    const look = async () => {
      // A look that fails is only a look less: the error of the statement itself is what gets told.
      await this.#look(pid).catch(() => this.#forget());
      if (!ended) timer = setTimeout(look, PAUSE).unref();
    };
    timer = setTimeout(look, delay).unref();
    return {
      end() {
        ended = true;
        clearTimeout(timer);
      },
    };
  }

  /** Cancels what `pid` runs; tells who blocked it. */
  async cancel(pid: number): Promise<Blocker | undefined> {
    const { setTimeout, clearTimeout } = clock();
    let timer: NodeJS.Timeout | undefined;
    const grace = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, GRACE);
    });
    const words = async () => {
      if (!this.#last) await this.#look(pid);
      await (await this.#client)?.query('select pg_cancel_backend($1)', [pid]);
    };
    // A server that does not answer cannot be told; it ends the statement when it sees that its client has gone.
    await Promise.race([words().catch(() => this.#forget()), grace]);
    clearTimeout(timer);
    return this.#last;
  }

  async close(): Promise<void> {
    const opened = this.#client;
    this.#client = undefined;
    const client = await opened?.catch(() => undefined);
    await client?.end();
  }

  async #look(pid: number): Promise<void> {
    this.#client ??= this.#connect();
    const client = await this.#client;
    const { rows } = await client.query<Blocker>(BLOCKERS, [pid]);
    if (rows[0]) this.#last = rows[0];
  }

  #forget(): void {
    this.#client = undefined;
  }
}

export function tellBlocker(blocker: Blocker, { connection, address, redact }: Context, cause?: unknown): QaError {
  const { pid, application, user, state, query, openFor } = blocker;
  const age = openFor === null ? '' : `, for ${(openFor / 1000).toFixed(1)} s`;
  const who =
    pid === 0
      ? 'a prepared transaction (see pg_prepared_xacts)'
      : `${application ? `"${redact(application)}"` : 'a session without application_name'} (pid ${pid}${user ? `, user ${user}` : ''}, ${state ?? 'state unknown'}${age})`;
  const last = query ? `: ${oneLine(redact(query))}` : '';
  return new QaError('QA_RESET_BLOCKED', {
    what: `The reset waits for a lock that ${who} holds${last}`,
    mend: 'End that transaction before the test ends: a missing `await`, COMMIT or ROLLBACK, in the test or in the service under test, keeps it open',
    connection,
    address,
    cause,
  });
}

function oneLine(text: string): string {
  const line = text.replace(/\s+/g, ' ').trim();
  return line.length > 300 ? `${line.slice(0, 300)}…` : line;
}

const BLOCKERS = `
  select b.pid, a.application_name as application, a.usename as "user", a.state, a.query,
         (extract(epoch from clock_timestamp() - a.xact_start) * 1000)::float8 as "openFor"
    from unnest(pg_blocking_pids($1)) as b(pid) left join pg_stat_activity a using (pid)
   order by a.xact_start nulls last limit 1`;
