/** Filling a set: all records in one batch. */
import { types } from 'node:util';
import { QaError } from '../../core/errors.ts';
import { orAborted } from '../../core/operation.ts';
import { printValue } from './query.ts';
import { BATCH, checkKey, LIMITS, type RecordId, type Store } from './store.ts';
import { unwritable } from './values.ts';

export interface SeedOptions {
  /** Time until the records expire, seconds. Default: the namespace's. */
  ttl?: number;
}

/** By their keys: an object where keys are texts, a Map for numbers and bytes. */
export type SeedRecords =
  | Readonly<Record<string, Readonly<Record<string, unknown>>>>
  | ReadonlyMap<RecordId, Readonly<Record<string, unknown>>>;

/** @throws QaError QA_MISUSE for what no record can hold, QA_QUERY_FAILED naming the first record that was refused */
export async function seed(
  store: Store,
  set: string,
  records: SeedRecords,
  { ttl }: SeedOptions,
  signal: AbortSignal | undefined,
): Promise<void> {
  const given = entries(store, set, records);
  const { policy } = store.driver;
  // A record is what is seeded, whatever was there; scans show its key.
  const rules = { exists: policy.exists.CREATE_OR_REPLACE, key: policy.key.SEND };
  const write: Write = { store, set, rules, ttl, signal };
  for (let i = 0; i < given.length; i += BATCH) await writeBatch(write, given.slice(i, i + BATCH));
}

type Given = readonly [id: RecordId, bins: Readonly<Record<string, unknown>>];

interface Write {
  store: Store;
  set: string;
  rules: { exists: number; key: number };
  ttl: number | undefined;
  signal: AbortSignal | undefined;
}

async function writeBatch({ store, set, rules, ttl, signal }: Write, given: readonly Given[]): Promise<void> {
  const { driver, client } = store;
  const doing = `Seeding ${set}`;
  const lifetime = ttl === undefined ? {} : { ttl };
  // The client's operations take no bigint beyond a number's range, and say so to nobody; its `put` does.
  const large = given.filter(([, bins]) => Object.values(bins).some(isLarge));
  const small = given.filter((record) => !large.includes(record));
  const policy = new driver.BatchWritePolicy({ ...rules, ...lifetime });
  const batch = small.map(([id, bins]) => ({
    type: driver.batchType.BATCH_WRITE,
    key: store.key(set, id),
    ops: Object.entries(bins).map(([name, value]) =>
      driver.operations.write(name, (typeof value === 'bigint' ? Number(value) : value) as never),
    ),
    policy,
  }));
  const limits = { ...LIMITS } as never;
  const results = await orAborted(
    store.scope.trace('seed', { set, records: given.length }, async () => {
      const [written] = await Promise.all([
        batch.length === 0 ? [] : client.batchWrite(batch, limits),
        ...large.map(([id, bins]) =>
          client.put(store.key(set, id), bins as never, lifetime as never, { ...LIMITS, ...rules } as never),
        ),
      ]);
      return written;
    }),
    signal,
  ).catch((error) => Promise.reject(store.told(error, doing, signal)));
  const failed = results.findIndex(({ status }) => status !== driver.status.OK);
  if (failed === -1) return;
  const { status } = results[failed]!;
  const refusal = Object.assign(new Error(driver.status.getMessage(status)), { code: status });
  throw store.told(refusal, `${doing}, record ${printValue(small[failed]![0])},`);
}

function isLarge(value: unknown): boolean {
  return typeof value === 'bigint' && !Number.isSafeInteger(Number(value));
}

function entries(store: Store, set: string, records: SeedRecords): Given[] {
  const fail = (what: string, mend: string) =>
    new QaError('QA_MISUSE', { what, mend, connection: store.scope.connection });
  const isGiven = typeof records === 'object' && records !== null && !Array.isArray(records);
  if (typeof set !== 'string' || !isGiven) {
    throw fail('seed() needs a set and its records by their keys', "Write seed('users', { 'u-1': { name: 'Ann' } })");
  }
  const list = types.isMap(records) ? [...(records as ReadonlyMap<RecordId, never>)] : Object.entries(records);
  return list.map(([id, bins]) => {
    const record = `The record ${printValue(id)}`;
    if (typeof bins !== 'object' || bins === null || Array.isArray(bins)) {
      throw fail(`${record} is no object of bins`, "Write { 'u-1': { name: 'Ann' } }");
    }
    const written = Object.entries(bins).filter(([, value]) => value !== undefined && value !== null);
    if (written.length === 0) throw fail(`${record} has no bin with a value, and cannot exist without`, 'Give it one');
    for (const [bin, value] of written) {
      if (Buffer.byteLength(bin) > 15) {
        throw fail(`${record}: no bin can be called \`${bin}\``, 'Names of bins have at most 15 bytes');
      }
      const reason = unwritable(value, bin);
      if (reason)
        throw fail(`${record}: ${reason}`, 'Give a text, a number, true or false, bytes, a list or an object of these');
    }
    checkKey(set, id, store.scope.connection);
    return [id, Object.fromEntries(written)];
  });
}
