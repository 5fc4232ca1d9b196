/** What the suites on a real Cassandra share. */
import type { Scope } from '../../../bindings/core/binding.ts';
import { SOURCE, type Values } from '../../../bindings/core/source.ts';
import { binding, type CassandraHandle } from '../../../bindings/databases/cassandra/index.ts';
import { differences } from '../../../matchers/judge.ts';
import type { TestCassandra } from '../../support/cassandra.ts';
import { openBinding } from '../../support/scope.ts';

export const signal: AbortSignal = new AbortController().signal;

export const REPLICATION = "{'class': 'SimpleStrategy', 'replication_factor': 1}";

let count = 0;

/** A keyspace of its own with these statements run in it. */
export async function makeKeyspace(server: TestCassandra, statements: readonly string[] = []): Promise<string> {
  count += 1;
  const keyspace = `k${count}`;
  await server.run(`CREATE KEYSPACE ${keyspace} WITH replication = ${REPLICATION}`);
  for (const cql of statements) await server.run(cql.replaceAll('$ks', keyspace));
  return keyspace;
}

export const open = (server: TestCassandra, keyspace: string, input: object = {}, changes: Partial<Scope> = {}) =>
  openBinding(binding, { ...server.options, keyspace, ...input }, { connection: 'events', ...changes });

/** Whether some row matches, as the matchers ask for it. */
export async function matches(handle: CassandraHandle, name: string, expected: Values): Promise<boolean> {
  const observer = handle.table(name)[SOURCE];
  await observer.check(expected, signal);
  const equality = { column: observer.equal.bind(observer) };
  const accept = (row: Values) => differences(row, expected, equality).length === 0;
  const { rows } = await observer.find(expected, { limit: 1, signal, accept });
  return rows.length > 0;
}

/** The error that `run` ends in. */
export async function failing(run: () => PromiseLike<unknown>): Promise<Error & { code: string; took: number }> {
  const start = performance.now();
  const error = await Promise.resolve(run()).then(
    (value) => {
      throw new Error(`it worked: ${String(value)}`);
    },
    (reason) => reason,
  );
  return Object.assign(error, { took: performance.now() - start });
}
