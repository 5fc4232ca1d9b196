/** What the server holds: records by digest, in memory. */
export interface Bin {
  type: number;
  data: Buffer;
}

export interface StoredRecord {
  digest: Buffer;
  set: string;
  /** The user's key as it came, where the client sent it. */
  key: Buffer | undefined;
  generation: number;
  /** Seconds since 2010; 0: for ever. */
  expires: number;
  bins: Map<string, Bin>;
}

export interface Index {
  name: string;
  set: string;
  bin: string;
}

/** 2010-01-01, from which Aerospike counts seconds. */
const EPOCH = 1_262_304_000;

const PARTITIONS = 4096;

export class Namespace {
  readonly name: string;
  readonly indexes = new Map<string, Index>();
  readonly #records = new Map<string, StoredRecord>();

  constructor(name: string) {
    this.name = name;
  }

  get(digest: Buffer): StoredRecord | undefined {
    const key = digest.toString('hex');
    const found = this.#records.get(key);
    if (found && found.expires !== 0 && found.expires <= now()) {
      this.#records.delete(key);
      return undefined;
    }
    return found;
  }

  set(record: StoredRecord): void {
    this.#records.set(record.digest.toString('hex'), record);
  }

  delete(digest: Buffer): void {
    this.#records.delete(digest.toString('hex'));
  }

  /** In the order of their digests, as pages of a scan need it. */
  all(set = ''): StoredRecord[] {
    return Array.from(this.#records.keys())
      .sort()
      .flatMap((key) => this.get(Buffer.from(key, 'hex')) ?? [])
      .filter((record) => set === '' || record.set === set);
  }

  truncate(set = ''): void {
    for (const { digest } of this.all(set)) this.delete(digest);
  }
}

export function partitionOf(digest: Buffer): number {
  return digest.readUInt16LE(0) % PARTITIONS;
}

/** What a write's time to live means: 0 the namespace's default (here: for ever), -1 for ever, -2 as it was. */
export function expiry(ttl: number, before: number): number {
  if (ttl === 0xfffffffe) return before;
  return ttl === 0 || ttl === 0xffffffff ? 0 : now() + ttl;
}

function now(): number {
  return Math.floor(Date.now() / 1000) - EPOCH;
}
