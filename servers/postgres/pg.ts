/** What this folder needs of the user's `pg`, described structurally: it is an optional peer. */

export interface PgClient {
  connect(): Promise<unknown>;
  query(text: string, values?: readonly unknown[]): Promise<{ rows: Record<string, unknown>[] }>;
  end(): Promise<void>;
  on(event: 'error', listener: (error: Error) => void): unknown;
}

export type PgError = Error & { code?: string; position?: string; detail?: string; hint?: string };

interface PgModule {
  Client: new (options: Record<string, unknown>) => PgClient;
}

/** Time to connect to a server that is known to be ready, ms. */
const CONNECT_TIMEOUT = 10_000;

/** One connection for `use`, closed in any case; an abort ends the query under way. */
export async function withClient<T>(
  driver: unknown,
  url: string,
  signal: AbortSignal,
  use: (client: PgClient) => Promise<T>,
): Promise<T> {
  signal.throwIfAborted();
  const { Client } = ((driver as { default?: PgModule }).default ?? driver) as PgModule;
  const client = new Client({
    connectionString: url,
    application_name: 'qa setup',
    connectionTimeoutMillis: CONNECT_TIMEOUT,
  });
  // A lost connection also rejects the query under way, which reports it.
  client.on('error', () => undefined);
  const stop = () => void client.end();
  signal.addEventListener('abort', stop, { once: true });
  try {
    await client.connect();
    return await use(client);
  } finally {
    signal.removeEventListener('abort', stop);
    await client.end();
  }
}

/** A name as it is, whatever it holds. */
export function quote(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

/** The same address with another database. */
export function withDatabase(url: string, database: string): string {
  const changed = new URL(url);
  changed.pathname = `/${encodeURIComponent(database)}`;
  return changed.href;
}
