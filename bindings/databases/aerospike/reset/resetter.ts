/**
 * Brings sets back to their baseline. What a reset costs grows with what lies in them: records that were not there are
 * removed, those that were and are different are put back.
 */
import { isDeepStrictEqual } from 'node:util';
import type { Key, KeyOptions } from 'aerospike';
import type { Resetter } from '../../../core/binding.ts';
import { QaError } from '../../../core/errors.ts';
import { orAborted } from '../../../core/operation.ts';
import { BATCH, LIMITS, type Store, type StoredRecord } from '../store.ts';
import type { Lock } from './lock.ts';
import { MARKER_SET } from './marker.ts';

/** Records of a baseline by digest, hexadecimal. */
type Level = Map<string, StoredRecord>;

/** Up to so many records are removed one by one; truncating takes effect later, on each node in its own time. */
const FEW = 500;
/** Commands that run at once. */
const AT_ONCE = 50;
/** A baseline is kept in memory, and compared at each reset. */
const LARGEST = 20_000;

export class AerospikeResetter implements Resetter {
  readonly #store: Store;
  /** undefined: all of the namespace. */
  readonly #sets: readonly string[] | undefined;
  readonly #lock: Lock | undefined;
  /** The innermost is the last; without any the sets are to be empty. */
  readonly #levels: Level[] = [];

  constructor(store: Store, sets: readonly string[] | undefined, lock: Lock | undefined) {
    this.#store = store;
    this.#sets = sets;
    this.#lock = lock;
  }

  async open(signal: AbortSignal): Promise<void> {
    await this.#lock?.take(signal);
  }

  async reset(signal: AbortSignal): Promise<void> {
    await this.#lock?.check();
    const level: Level = this.#levels.at(-1) ?? new Map();
    for (const set of this.#sets ?? [undefined]) await this.#resetSet(set, level, signal);
  }

  async push(signal: AbortSignal): Promise<void> {
    const level: Level = new Map();
    for (const set of this.#sets ?? [undefined]) {
      await this.#scan(set, { bins: true, signal }, (record) => {
        level.set(idOf(record), record);
        return level.size <= LARGEST;
      });
    }
    if (level.size > LARGEST) {
      throw this.#error(
        `\`beforeAll\` has written more than ${LARGEST.toLocaleString('en-US')} records, which are too many to be kept and compared before each test`,
        'Let the tests need less, or leave these sets out of the reset',
      );
    }
    this.#levels.push(level);
  }

  pop(): void {
    this.#levels.pop();
  }

  async close(): Promise<void> {
    await this.#lock?.release();
  }

  async #resetSet(set: string | undefined, level: Level, signal: AbortSignal): Promise<void> {
    const foreign: StoredRecord[] = [];
    const missing = new Map([...level].filter(([, record]) => set === undefined || record.set === set));
    const isEmptied = missing.size === 0;
    await this.#scan(set, { bins: !isEmptied, signal }, (record) => {
      const id = idOf(record);
      if (isUnchanged(record, missing.get(id))) missing.delete(id);
      else foreign.push(record);
      return true;
    });
    if (isEmptied && foreign.length > FEW) await this.#truncate(set, signal);
    else await this.#remove(foreign, signal);
    await this.#putBack([...missing.values()], signal);
  }

  /** The marker and the lock are nobody's data. */
  #scan(
    set: string | undefined,
    options: { bins: boolean; signal: AbortSignal },
    take: (record: StoredRecord) => boolean,
  ): Promise<void> {
    return this.#store.scan(set, { ...options, take: (record) => record.set === MARKER_SET || take(record) });
  }

  async #truncate(set: string | undefined, signal: AbortSignal): Promise<void> {
    const { client, namespace, scope } = this.#store;
    const truncated = scope.trace('truncate', { set }, () => client.truncate(namespace, set ?? '', 0));
    await orAborted(truncated, signal).catch((error) => {
      throw this.#refused(error, signal);
    });
    // Each node does it in its own time: what a test writes meanwhile would be lost.
    for (let left = 1; left > 0; ) {
      left = 0;
      await this.#scan(set, { bins: false, signal }, () => {
        left += 1;
        return false;
      });
    }
  }

  async #remove(records: readonly StoredRecord[], signal: AbortSignal): Promise<void> {
    const { client, driver, scope } = this.#store;
    const { OK, ERR_RECORD_NOT_FOUND, getMessage } = driver.status;
    for (let i = 0; i < records.length; i += BATCH) {
      const keys = records.slice(i, i + BATCH).map((record) => this.#keyOf(record));
      const removed = scope.trace('remove', { records: keys.length }, () =>
        client.batchRemove(keys, { ...LIMITS } as never),
      );
      const results = await orAborted(removed, signal).catch((error) => {
        throw this.#refused(error, signal);
      });
      // One that has expired since is as good as removed.
      const failed = results.find(({ status }) => status !== OK && status !== ERR_RECORD_NOT_FOUND);
      if (failed === undefined) continue;
      throw this.#refused(Object.assign(new Error(getMessage(failed.status)), { code: failed.status }), signal);
    }
  }

  async #putBack(records: readonly StoredRecord[], signal: AbortSignal): Promise<void> {
    const { client, driver, scope } = this.#store;
    const { policy, ttl } = driver;
    const rules = { ...LIMITS, key: policy.key.SEND, exists: policy.exists.CREATE_OR_REPLACE };
    for (let i = 0; i < records.length; i += AT_ONCE) {
      const part = records.slice(i, i + AT_ONCE);
      const written = scope.trace('put', { records: part.length }, () =>
        Promise.all(
          part.map((record) =>
            client.put(
              this.#keyOf(record),
              record.bins as never,
              { ttl: record.ttl ?? ttl.NEVER_EXPIRE } as never,
              rules as never,
            ),
          ),
        ),
      );
      await orAborted(written, signal).catch((error) => {
        throw this.#refused(error, signal);
      });
      // They were removed before: this is their first write.
      for (const record of part) record.generation = 1;
    }
  }

  #keyOf({ set, id, digest }: StoredRecord): Key & KeyOptions {
    const { namespace, driver } = this.#store;
    // Large numbers come without their last digits: the digest is exact.
    const own = typeof id === 'number' && !Number.isSafeInteger(id) ? undefined : id;
    return new driver.Key(namespace, set as string, own as string, digest) as Key & KeyOptions;
  }

  #refused(error: unknown, signal: AbortSignal): unknown {
    const told = this.#store.told(error, 'The reset', signal);
    if (!(told instanceof QaError) || told.code !== 'QA_QUERY_FAILED') return told;
    return this.#error(`The server refused a command of the reset: ${told.message}`, 'See the cause', error);
  }

  #error(what: string, mend: string, cause?: unknown): QaError {
    const { connection, address } = this.#store.place;
    return new QaError('QA_RESET_FAILED', { what, mend, connection, address, cause });
  }
}

function idOf({ digest }: StoredRecord): string {
  return digest.toString('hex');
}

/** One that was removed and written anew has the same generation: its bins tell. */
function isUnchanged(record: StoredRecord, before: StoredRecord | undefined): boolean {
  return before !== undefined && record.generation === before.generation && isDeepStrictEqual(record.bins, before.bins);
}
