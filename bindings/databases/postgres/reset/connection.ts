/**
 * The reset's own connection: opened when first needed, bounded by the caller's signal, never a reason for the
 * process to stay alive. While a statement runs long, a second connection looks who blocks it.
 */
import type { Socket } from 'node:net';
import type pg from 'pg';
import { QaError } from '../../../core/errors.ts';
import { type Blocker, BlockerWatch, tellBlocker } from './blocker.ts';
import type { Context } from './context.ts';

/** A statement that has not ended after this long, in ms, is looked at. */
const LOOK_AFTER = 100;

/** Makes the error for a lock that was waited for in vain. */
export type Tell = (blocker: Blocker, cause: unknown) => QaError;

export type Statement = string | pg.QueryConfig;

export class ResetConnection {
  readonly #context: Context;
  readonly #config: pg.ClientConfig;
  readonly #watch: BlockerWatch;
  #client: pg.Client | undefined;
  #pid = 0;

  /** Called with each newly made connection, before anything else runs on it. */
  onConnect: ((run: (sql: string) => Promise<pg.QueryResult>) => Promise<void>) | undefined;

  constructor(context: Context, config: pg.ClientConfig) {
    this.#context = context;
    this.#config = config;
    this.#watch = new BlockerWatch(() => this.#connect('watch'));
  }

  /**
   * Runs one statement, or several in a text; the results in order.
   *
   * @throws QaError QA_RESET_BLOCKED when the signal ends while a lock is waited for, QA_TIMEOUT when it ends
   * otherwise, QA_CONNECTION_LOST; errors of the server as the driver gives them
   */
  async run(
    statement: Statement,
    signal: AbortSignal,
    tell: Tell = (blocker, cause) => tellBlocker(blocker, this.#context, cause),
  ): Promise<pg.QueryResult[]> {
    if (signal.aborted) throw this.#late(signal.reason);
    let onAbort = () => {};
    const aborted = new Promise<never>((_, reject) => {
      onAbort = () => reject(signal.reason);
    });
    // Nobody may be listening any more when it is rejected.
    aborted.catch(() => {});
    signal.addEventListener('abort', onAbort, { once: true });
    try {
      const client = await Promise.race([this.#open(), aborted]);
      hold(client, true);
      const look = this.#watch.start(this.#pid, LOOK_AFTER);
      try {
        const result = await Promise.race([client.query(statement as string), aborted]);
        return [result].flat() as pg.QueryResult[];
      } finally {
        look.end();
        hold(client, false);
      }
    } catch (error) {
      if (signal.aborted) {
        const blocker = await this.#watch.cancel(this.#pid);
        this.#drop();
        throw blocker ? tell(blocker, error) : this.#late(error);
      }
      if (isBroken(error)) {
        this.#drop();
        throw this.#lost(error);
      }
      throw error;
    } finally {
      signal.removeEventListener('abort', onAbort);
    }
  }

  /** Idempotent. */
  async close(): Promise<void> {
    const client = this.#client;
    this.#client = undefined;
    if (client) hold(client, true);
    await Promise.all([this.#watch.close(), client?.end()]);
  }

  /** False: the next statement opens a connection, which knows nothing of the one before. */
  get isOpen(): boolean {
    return this.#client !== undefined;
  }

  async #open(): Promise<pg.Client> {
    if (this.#client) return this.#client;
    const client = await this.#connect('reset');
    this.#pid = (client as unknown as { processID: number }).processID;
    await this.onConnect?.((sql) => client.query(sql));
    this.#client = client;
    client.once('end', () => {
      if (this.#client === client) this.#client = undefined;
    });
    return client;
  }

  async #connect(role: 'reset' | 'watch'): Promise<pg.Client> {
    const client = new this.#context.Client({
      keepAlive: true,
      ...this.#config,
      types: PARSERS,
      application_name: `${this.#context.applicationName}/${role}`,
    });
    // A connection that breaks while idle tells nobody else; the next statement opens another.
    client.on('error', () => {
      if (this.#client === client) this.#client = undefined;
    });
    try {
      await client.connect();
      hold(client, false);
    } catch (error) {
      throw isBroken(error) ? this.#lost(error) : error;
    }
    return client;
  }

  /** Forgets a connection that may still be busy; the server ends a statement whose client has gone. */
  #drop(): void {
    const client = this.#client;
    this.#client = undefined;
    if (client) streamOf(client).destroy();
  }

  #late(cause: unknown): QaError {
    const { connection, address } = this.#context;
    return new QaError('QA_TIMEOUT', {
      what: 'The reset did not end within its deadline, and no lock held it up',
      mend: 'Look at the load of the server, or give it more time with `resetTimeout`',
      connection,
      address,
      cause,
    });
  }

  #lost(cause: unknown): QaError {
    const { connection, address, redact } = this.#context;
    return new QaError('QA_CONNECTION_LOST', {
      what: `The reset's connection broke: ${redact(cause instanceof Error ? cause.message : String(cause))}`,
      mend: 'See whether the server runs; the next reset connects again',
      connection,
      address,
      cause,
    });
  }
}

/** Whether the process waits for this connection: only while a statement is under way. */
export function hold(client: pg.Client, held: boolean): void {
  const stream = streamOf(client);
  if (held) stream.ref();
  else stream.unref();
}

/** The driver has no public way to its socket. */
function streamOf(client: pg.Client): Socket {
  return (client as unknown as { connection: { stream: Socket } }).connection.stream;
}

/** Our own: the user may have given the driver's global parsers other results. */
const PARSERS: pg.CustomTypesConfig = {
  getTypeParser: ((oid: number) => {
    if (oid === 16) return (text: string) => text === 't';
    if ([20, 21, 23, 26, 701].includes(oid)) return Number;
    if (oid === 114 || oid === 3802) return JSON.parse;
    return (text: string) => text;
  }) as pg.CustomTypesConfig['getTypeParser'],
};

/** Errors of the network, of a server that goes down, and the driver's own about a closed connection. */
function isBroken(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  const { code } = error as { code?: string };
  if (code !== undefined) return /^(E[A-Z]+|08\w{3}|57P0\w)$/.test(code);
  return /connection (terminated|error|ended|closed)|not queryable|timeout expired/i.test(error.message);
}
