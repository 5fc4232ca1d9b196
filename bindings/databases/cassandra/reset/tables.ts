/** The tables of a keyspace as a reset sees them: rows as texts, which every Cassandra reads back as they were. */
import type { Client } from 'cassandra-driver';
import { orAborted } from '../../../core/operation.ts';
import { quoteName } from '../names.ts';
import { type AllRows, allPages } from '../pages.ts';
import { loadShapes, type TableShape } from '../shape.ts';
import { exactJson } from './exact-json.ts';

/** A row: for each column of the table its value as JSON, or null. */
export type RowText = readonly (string | null)[];

/** A table, type, index, view or function, and the statement that makes it. */
export interface SchemaObject {
  type: string;
  name: string;
  create: string;
}

type Values = readonly unknown[];

export interface Removal {
  key: Values;
  /** The key's parts are JSON, not values of the driver. */
  isText: boolean;
  /** µs */
  time: number;
}

/** By the signal alone, whatever the user gives a request, ms. */
const BOUNDED = { readTimeout: 60_000 };

export class Tables {
  readonly keyspace: string;
  readonly #client: Client;

  constructor(client: Client, keyspace: string) {
    this.#client = client;
    this.keyspace = keyspace;
  }

  /** Of the node that answers: the same keyspace elsewhere is another one. */
  async hostId(signal: AbortSignal): Promise<string> {
    const { rows } = await this.#run('SELECT host_id FROM system.local', [], signal);
    return String(rows[0]!.host_id);
  }

  /** Changes with each change of any schema of the cluster. */
  async schemaVersion(signal: AbortSignal): Promise<string> {
    const { rows } = await this.#run('SELECT schema_version FROM system.local', [], signal);
    return String(rows[0]!.schema_version);
  }

  shapes(signal: AbortSignal): Promise<TableShape[]> {
    return loadShapes((cql, params) => this.#run(cql, params, signal), this.keyspace);
  }

  /** In an order in which they can be made. */
  async schema(signal: AbortSignal): Promise<SchemaObject[]> {
    const { rows } = await orAborted(
      this.#client.execute(`DESCRIBE KEYSPACE ${quoteName(this.keyspace)}`, [], BOUNDED),
      signal,
    );
    return rows
      .filter((row) => row.type !== 'keyspace')
      .map((row) => ({ type: row.type as string, name: row.name as string, create: row.create_statement as string }));
  }

  /** A statement that changes the schema. */
  async change(cql: string, signal: AbortSignal): Promise<void> {
    await orAborted(this.#client.execute(cql, [], BOUNDED), signal);
  }

  /** Keys of the partitions that there are, as the driver gives them; at most `limit`. */
  async partitions({ from, partition }: TableShape, limit: number, signal: AbortSignal): Promise<Values[]> {
    const names = partition.map(quoteName).join(', ');
    const { rows } = await this.#run(`SELECT DISTINCT ${names} FROM ${from} LIMIT ${limit}`, [], signal);
    return rows.map((row) => partition.map((name) => row[name] as unknown));
  }

  async hasRows(table: TableShape, signal: AbortSignal): Promise<boolean> {
    return (await this.partitions(table, 1, signal)).length > 0;
  }

  async rows({ from, columns }: TableShape, signal: AbortSignal): Promise<RowText[]> {
    const names = [...columns.keys()];
    const list = names.map((name, index) => `toJson(${quoteName(name)}) AS c${index}`).join(', ');
    const result: RowText[] = [];
    const { rows } = await this.#run(`SELECT ${list} FROM ${from}`, [], signal);
    for (const row of rows) {
      result.push(names.map((_, index) => noneOf(exactJson(row.get(index) as string | null))));
    }
    return result;
  }

  /** All rows of a partition, at a time that no later write has. */
  async remove({ from, partition }: TableShape, { key, isText, time }: Removal, signal: AbortSignal): Promise<void> {
    const where = partition.map((name) => `${quoteName(name)} = ${isText ? 'fromJson(?)' : '?'}`).join(' AND ');
    // Prepared once: the time is no part of the statement.
    await this.#run(`DELETE FROM ${from} USING TIMESTAMP ? WHERE ${where}`, [time, ...key], signal);
  }

  async truncate({ from }: TableShape, signal: AbortSignal): Promise<void> {
    await this.#run(`TRUNCATE ${from}`, [], signal);
  }

  async restore(table: TableShape, row: RowText, time: number | undefined, signal: AbortSignal): Promise<void> {
    const parts = [...table.columns.values()]
      .map((column, index) => ({ column, text: row[index] }))
      .filter(({ text }) => text !== null && text !== undefined);
    const params = parts.map(({ text }) => text);
    if (table.isCounter) return this.#count(table, parts as never, signal);
    const names = parts.map(({ column }) => quoteName(column.name)).join(', ');
    const values = parts.map(() => 'fromJson(?)').join(', ');
    const [using, times] = time === undefined ? ['', []] : [' USING TIMESTAMP ?', [time]];
    await this.#run(`INSERT INTO ${table.from} (${names}) VALUES (${values})${using}`, [...params, ...times], signal);
  }

  /** Counters are only ever counted up, from nothing. */
  async #count(
    { from, partition, clustering }: TableShape,
    parts: readonly { column: { name: string }; text: string }[],
    signal: AbortSignal,
  ): Promise<void> {
    const isKey = ({ column }: { column: { name: string } }) =>
      partition.includes(column.name) || clustering.includes(column.name);
    const counters = parts.filter((part) => !isKey(part));
    const keys = parts.filter(isKey);
    // A number of any size, read before by the server itself.
    const set = counters.map(
      ({ column: { name }, text }) => `${quoteName(name)} = ${quoteName(name)} + ${BigInt(JSON.parse(text))}`,
    );
    const where = keys.map(({ column: { name } }) => `${quoteName(name)} = fromJson(?)`);
    const params = keys.map(({ text }) => text);
    await this.#run(`UPDATE ${from} SET ${set.join(', ')} WHERE ${where.join(' AND ')}`, params, signal);
  }

  #run(cql: string, params: Values, signal: AbortSignal): Promise<AllRows> {
    return allPages((pageState) => {
      const options = { ...BOUNDED, prepare: true, ...(pageState === undefined ? {} : { pageState }) };
      return orAborted(this.#client.execute(cql, [...params], options), signal);
    });
  }
}

/** What is not there, as JSON. */
function noneOf(json: string | null): string | null {
  return json === 'null' ? null : json;
}
