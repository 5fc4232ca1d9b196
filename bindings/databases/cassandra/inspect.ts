/** What `qa doctor` tells of a keyspace: the node's clock, its tables, whether the nodes agree on them. Reads only. */
import type { Client } from 'cassandra-driver';
import type { Scope } from '../../core/binding.ts';
import { clockFinding, type Finding } from '../../core/finding.ts';
import { orAborted } from '../../core/operation.ts';
import { placeOf } from './client.ts';
import { statementError } from './errors.ts';
import type { ParsedOptions } from './options.ts';

export async function inspect(client: Client, options: ParsedOptions, scope: Scope): Promise<Finding[]> {
  const ask = async (cql: string, values: unknown[] = []) =>
    (await orAborted(client.execute(cql, values, { prepare: values.length > 0 }), scope.signal)).rows;
  try {
    const from = Date.now();
    const [local] = await ask('SELECT schema_version, toTimestamp(now()) AS now FROM system.local');
    const to = Date.now();
    const peers = await ask('SELECT schema_version FROM system.peers');
    const findings: Finding[] = [clockFinding((local!.now as Date).getTime(), { from, to })];
    const own = String(local!.schema_version);
    if (peers.some(({ schema_version: version }) => version !== null && String(version) !== own)) {
      findings.push({
        about: 'schema',
        level: 'warning',
        what: 'The nodes do not agree on the schema: some may not know a table that others have.',
        mend: 'See `nodetool describecluster`; a change of the schema may still be under way.',
      });
    }
    return [...findings, ...(await tableFindings(client.keyspace, ask))];
  } catch (error) {
    scope.signal.throwIfAborted();
    throw statementError(error, placeOf(options, scope), 'Looking at it');
  }
}

async function tableFindings(
  keyspace: string | undefined,
  ask: (cql: string, values: unknown[]) => Promise<{ length: number }>,
): Promise<Finding[]> {
  if (!keyspace) {
    const what = 'The config names no keyspace: tests must write `keyspace.table`.';
    return [{ about: 'schema', level: 'note', what }];
  }
  const { length } = await ask('SELECT table_name FROM system_schema.tables WHERE keyspace_name = ?', [keyspace]);
  const what = `The keyspace has ${length} table${length === 1 ? '' : 's'}.`;
  return [{ about: 'schema', level: length === 0 ? 'note' : 'ok', what }];
}
