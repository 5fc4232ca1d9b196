/**
 * The marker that says: tables of this keyspace may be emptied. It is a table whose comment holds the table's own id, so
 * that a schema that is made again elsewhere, or a copy under another name, never carries a valid one. Its one row is
 * the lock that admits one run at a time.
 */
import { randomUUID } from 'node:crypto';
import type { Client } from 'cassandra-driver';
import { orAborted } from '../../../core/operation.ts';
import { quoteName, readableName } from '../names.ts';

export const MARKER_TABLE = 'qa_may_empty';
const PREFIX = 'qa-may-empty:';

export type Marker = 'valid' | 'foreign' | 'none';

export async function findMarker(client: Client, keyspace: string, signal: AbortSignal): Promise<Marker> {
  const cql = 'SELECT id, comment FROM system_schema.tables WHERE keyspace_name = ? AND table_name = ?';
  const { rows } = await orAborted(client.execute(cql, [keyspace, MARKER_TABLE], { prepare: true }), signal);
  const [row] = rows;
  if (row === undefined) return 'none';
  const marks = String(row.comment).split(/\s+/);
  if (marks.includes(`${PREFIX}${row.id}`)) return 'valid';
  return 'foreign';
}

/** CQL that sets the marker. */
export function markingCql(keyspace: string): string {
  const id = randomUUID();
  const table = `${readableName(keyspace)}.${MARKER_TABLE}`;
  return `CREATE TABLE ${table} (id int PRIMARY KEY, held_by text) WITH ID = ${id} AND comment = '${PREFIX}${id}';`;
}

/** s: a run that was killed holds the lock no longer. */
const HELD = 60;

/** Takes the lock, or keeps it. Returns who has it, when that is somebody else. */
export async function takeLock(
  client: Client,
  { keyspace, run }: { keyspace: string; run: string },
  signal: AbortSignal,
): Promise<string | undefined> {
  const table = `${quoteName(keyspace)}.${MARKER_TABLE}`;
  const send = async (cql: string, params: readonly unknown[]) => {
    const { rows } = await orAborted(client.execute(cql, [...params], { prepare: true }), signal);
    return rows[0] as { '[applied]': boolean; held_by?: string | null } | undefined;
  };
  const kept = await send(`UPDATE ${table} USING TTL ${HELD} SET held_by = ? WHERE id = 0 IF held_by = ?`, [run, run]);
  if (kept?.['[applied]']) return undefined;
  const taken = await send(`UPDATE ${table} USING TTL ${HELD} SET held_by = ? WHERE id = 0 IF held_by = null`, [run]);
  return taken?.['[applied]'] ? undefined : (taken?.held_by ?? 'another run');
}

export async function giveLock(client: Client, { keyspace, run }: { keyspace: string; run: string }): Promise<void> {
  const table = `${quoteName(keyspace)}.${MARKER_TABLE}`;
  await client.execute(`UPDATE ${table} SET held_by = null WHERE id = 0 IF held_by = ?`, [run], { prepare: true });
}
