/** Leases in this process, whose run ends with it. */
import pg from 'pg';
import type { Lease } from '../../bindings/core/binding.ts';
import { type EmbeddedOptions, embedded } from '../../bindings/core/server.ts';
import { currentRun, type LeaseRequest, lease } from '../../servers/index.ts';

export const notices: string[] = [];

export function leaseFor(
  schema: EmbeddedOptions['schema'] | EmbeddedOptions,
  request: Partial<LeaseRequest> & { worker?: string; connection: string },
): Promise<Lease> {
  const { worker = '1', ...rest } = request;
  const options = typeof schema === 'object' && !Array.isArray(schema) ? (schema as EmbeddedOptions) : undefined;
  const given = schema as EmbeddedOptions['schema'];
  return lease({
    kind: 'postgres',
    server: embedded(options ?? (given === undefined ? {} : { schema: given })),
    namespace: { run: currentRun().id, worker },
    baseDir: import.meta.dirname,
    driver: pg,
    signal: AbortSignal.timeout(60_000),
    notice: (line) => notices.push(line),
    ...rest,
  });
}

export async function query(url: unknown, sql: string): Promise<Record<string, unknown>[]> {
  const client = new pg.Client({ connectionString: String(url) });
  await client.connect();
  try {
    return (await client.query(sql)).rows;
  } finally {
    await client.end();
  }
}

/** The error as a user reads it. */
export async function failure(promise: Promise<unknown>): Promise<Error & { code: string }> {
  return promise.then(
    () => {
      throw new Error('It did not fail.');
    },
    (error) => error,
  );
}
