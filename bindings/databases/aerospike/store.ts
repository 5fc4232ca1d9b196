/** What the sources and the handle of one connection share: how to run commands, and where they run. */
import { types } from 'node:util';
import type { AerospikeRecord, Client, Key, KeyOptions } from 'aerospike';
import type { Opened, Scope } from '../../core/binding.ts';
import { QaError } from '../../core/errors.ts';
import { orAborted, teller, withinTest } from '../../core/operation.ts';
import type { Caller } from '../../core/source.ts';
import { printAddress } from './address.ts';
import { type Driver, placeOf } from './client.ts';
import { commandError, connectionError, type Place } from './errors.ts';
import type { ParsedOptions } from './options.ts';

export type OpenAerospike = Opened<ParsedOptions, Client>;

/** What a record's key may be. */
export type RecordId = string | number | bigint | Uint8Array;

/** What a record keeps beside its bins. */
export interface StoredRecord {
  set: string | undefined;
  bins: Record<string, unknown>;
  generation: number;
  /** Seconds; undefined: for ever. */
  ttl: number | undefined;
  /** Only where it was stored with the record. */
  id: unknown;
  digest: Buffer;
}

/** Longest time of one command of a look, ms: a wait that goes on looks again. */
const COMMAND_TIMEOUT = 5000;

export class Store {
  readonly scope: Scope;
  readonly #opened: () => OpenAerospike;

  constructor(opened: () => OpenAerospike, scope: Scope) {
    this.#opened = opened;
    this.scope = scope;
  }

  get client(): Client {
    return this.#opened().client;
  }

  get driver(): Driver {
    return this.#opened().driver as Driver;
  }

  get options(): ParsedOptions {
    return this.#opened().options;
  }

  get namespace(): string {
    return this.options.address!.namespace;
  }

  get place(): Place {
    return placeOf(this.options, this.scope);
  }

  /** For labels, which must not fail: the connection may not be open yet. */
  get address(): string | undefined {
    try {
      const { address } = this.#opened().options;
      return address && printAddress(address);
    } catch {
      return undefined;
    }
  }

  /** What a test calls: it ends with the test's time, its errors name the connection and point at the test's line. */
  async call<T>(caller: Caller, what: string, work: (signal: AbortSignal | undefined) => Promise<T>): Promise<T> {
    const { adopt } = this.scope;
    const tell = teller(caller, (error) => connectionError(error, this.place) ?? error, adopt);
    const late = () => ({
      what: `${what} before the time of the test was up`,
      mend: 'See whether the server hangs, or give the test more time',
      connection: this.place.connection,
      address: this.place.address,
    });
    try {
      return await withinTest(work, late);
    } catch (error) {
      throw tell(error);
    }
  }

  /** Of what `checkKey` accepts. */
  key(set: string, id: RecordId): Key & KeyOptions {
    const own = typeof id === 'object' && !Buffer.isBuffer(id) ? Buffer.from(id) : id;
    return new this.driver.Key(this.namespace, set, own) as Key & KeyOptions;
  }

  /** The record, undefined where there is none. */
  async read(set: string, id: RecordId, signal?: AbortSignal): Promise<StoredRecord | undefined> {
    const key = this.key(set, id);
    const policy = { ...LIMITS } as never;
    try {
      const read = this.scope.trace('get', { set, id }, () => this.client.get(key, policy));
      return stored(await orAborted(read, signal));
    } catch (error) {
      if ((error as { code?: number }).code === this.driver.status.ERR_RECORD_NOT_FOUND) return undefined;
      throw this.told(error, `Reading the record ${String(id)} of ${set}`, signal);
    }
  }

  /**
   * All records of a set (of the namespace, where it is undefined) in no order, until `take` says no.
   *
   * @param bins false: only keys, generations and times to live
   */
  async scan(
    set: string | undefined,
    {
      bins = true,
      signal,
      take,
    }: { bins?: boolean; signal?: AbortSignal | undefined; take: (record: StoredRecord) => boolean },
  ): Promise<void> {
    try {
      signal?.throwIfAborted();
      // It refuses to be made where the client has lost its nodes.
      const query = this.client.query(this.namespace, set ?? null, { nobins: !bins } as never);
      await this.scope.trace('scan', { set, records: 0 }, (seen) => {
        let records = 0;
        const stream = query.foreach({ ...LIMITS } as never);
        const scanned = new Promise<void>((resolve, reject) => {
          stream.on('error', reject);
          stream.on('end', () => resolve());
          stream.on('data', (record: AerospikeRecord) => {
            seen.records = ++records;
            if (!signal?.aborted && take(stored(record))) return;
            stream.abort();
            resolve();
          });
        });
        return orAborted(scanned, signal);
      });
    } catch (error) {
      throw this.told(error, `Scanning ${set === undefined ? this.namespace : `the set ${set}`}`, signal);
    }
  }

  /** An error of ours; the signal's own reason where that ended it. */
  told(error: unknown, doing: string, signal?: AbortSignal): unknown {
    return signal?.aborted ? signal.reason : commandError(error, this.place, doing);
  }
}

/** @throws QaError QA_MISUSE */
export function checkSet(set: unknown, connection: string): void {
  if (typeof set === 'string' && set !== '' && Buffer.byteLength(set) <= 63) return;
  throw new QaError('QA_MISUSE', {
    what: `${typeof set === 'string' ? `'${set}'` : String(set)} cannot be the name of a set`,
    mend: "It is a text of 1 to 63 bytes: write set('users'), key('users', 'u-1')",
    connection,
  });
}

/** @throws QaError QA_MISUSE for what cannot be the key of a record */
export function checkKey(set: unknown, id: unknown, connection: string): void {
  checkSet(set, connection);
  const isKey =
    (typeof id === 'string' && id !== '') ||
    Number.isSafeInteger(id) ||
    (typeof id === 'bigint' && BigInt.asIntN(64, id) === id) ||
    (types.isUint8Array(id) && id.length > 0);
  if (isKey) return;
  throw new QaError('QA_MISUSE', {
    what: `${typeof id === 'string' ? `'${id}'` : String(id)} cannot be the key of a record`,
    mend: 'A key is a text, a whole number of 64 bits or bytes, and not empty',
    connection,
  });
}

/** Records of one batch: the server may take no more. */
export const BATCH = 5000;

export const LIMITS = { totalTimeout: COMMAND_TIMEOUT, socketTimeout: COMMAND_TIMEOUT } as const;

function stored({ bins, gen, ttl, key }: AerospikeRecord): StoredRecord {
  return {
    set: key.set || undefined,
    bins: bins as Record<string, unknown>,
    generation: Number(gen),
    ttl: Number(ttl) < 0 || Number(ttl) >= FOR_EVER ? undefined : Number(ttl),
    id: key.key ?? undefined,
    digest: key.digest as Buffer,
  };
}

const FOR_EVER = 0xffffffff;
