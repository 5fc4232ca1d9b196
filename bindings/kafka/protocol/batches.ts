/** Record batches, as brokers store and send them. */

export interface Batch {
  readonly baseOffset: bigint;
  /** Also of a record that was removed by compaction: what comes next begins behind it. */
  readonly lastOffset: bigint;
  /** 2; less: the message format of Kafka 0.10 and older. */
  readonly magic: number;
  /** Number of the compression; 0: none. */
  readonly compression: number;
  readonly isTransactional: boolean;
  /** Of markers that end transactions, no messages. */
  readonly isControl: boolean;
  readonly producerId: bigint;
  /** What the records' timestamps are relative to, ms since 1970. */
  readonly baseTimestamp: number;
  /** The time of all its records, where the broker sets it; ms since 1970. */
  readonly appendTime: number | undefined;
  /** 0: all were removed by compaction. */
  readonly count: number;
  /** As compressed. */
  readonly records: Buffer;
}

const LENGTH_AT = 8;
const FRAME = 12;
const MAGIC_AT = 16;
const HEADER = 61;
const COMPRESSION = 0x07;
const APPEND_TIME = 0x08;
const TRANSACTIONAL = 0x10;
const CONTROL = 0x20;

/** The batches that are there as a whole. */
export function batchesOf(bytes: Buffer): Batch[] {
  const batches: Batch[] = [];
  for (let at = 0; at + FRAME <= bytes.length; ) {
    const end = at + FRAME + bytes.readInt32BE(at + LENGTH_AT);
    if (end > bytes.length || end <= at + FRAME) break;
    batches.push(batchOf(bytes.subarray(at, end)));
    at = end;
  }
  return batches;
}

function batchOf(bytes: Buffer): Batch {
  const baseOffset = bytes.readBigInt64BE(0);
  const magic = bytes.readInt8(MAGIC_AT);
  if (magic !== 2 || bytes.length < HEADER) return { ...OLD, baseOffset, lastOffset: baseOffset, magic };
  const attributes = bytes.readInt16BE(21);
  return {
    baseOffset,
    lastOffset: baseOffset + BigInt(bytes.readInt32BE(23)),
    magic,
    compression: attributes & COMPRESSION,
    isTransactional: (attributes & TRANSACTIONAL) !== 0,
    isControl: (attributes & CONTROL) !== 0,
    producerId: bytes.readBigInt64BE(43),
    baseTimestamp: Number(bytes.readBigInt64BE(27)),
    appendTime: attributes & APPEND_TIME ? Number(bytes.readBigInt64BE(35)) : undefined,
    count: bytes.readInt32BE(57),
    records: bytes.subarray(HEADER),
  };
}

const OLD = {
  compression: 0,
  isTransactional: false,
  isControl: false,
  producerId: -1n,
  baseTimestamp: 0,
  appendTime: undefined,
  count: 1,
  records: Buffer.alloc(0),
} as const satisfies Partial<Batch>;

/** Second half of a marker's key. */
const ABORT = 0;

/** Whether a batch of markers ends its producer's transaction by aborting it. */
export function isAbort({ records, count }: Batch): boolean {
  if (count === 0) return false;
  const { bytes, keyAt } = new RecordCursor(records, 1).next()!;
  const key = skipVarint(bytes, keyAt);
  return bytes.readInt16BE(key + 2) === ABORT;
}

export interface RecordFrame {
  readonly bytes: Buffer;
  /** Where the length of its key begins. */
  readonly keyAt: number;
  /** Of the whole, bytes. */
  readonly size: number;
  readonly offsetDelta: number;
  readonly timestampDelta: number;
}

/** Walks over the records of a batch that is not, or no longer, compressed. */
export class RecordCursor {
  readonly #bytes: Buffer;
  #left: number;
  #at = 0;

  constructor(bytes: Buffer, count: number) {
    this.#bytes = bytes;
    this.#left = count;
  }

  /** @throws RangeError for bytes that are no records */
  next(): RecordFrame | undefined {
    if (this.#left <= 0) return undefined;
    this.#left -= 1;
    const bytes = this.#bytes;
    const start = this.#at;
    const size = readVarint(bytes, start);
    const body = skipVarint(bytes, start);
    if (size <= 0 || body + size > bytes.length) throw new RangeError('A record is cut off');
    // A byte of attributes that nobody uses comes first.
    const delta = skipVarint(bytes, body + 1);
    this.#at = body + size;
    return {
      bytes,
      keyAt: skipVarint(bytes, delta),
      size: this.#at - start,
      offsetDelta: readVarint(bytes, delta),
      timestampDelta: readVarint(bytes, body + 1),
    };
  }
}

/** Key, value and headers of a record: read when looked at. */
export function keyBytes(bytes: Buffer, keyAt: number): Buffer | null {
  return fieldAt(bytes, keyAt);
}

export function valueBytes(bytes: Buffer, keyAt: number): Buffer | null {
  return fieldAt(bytes, behind(bytes, keyAt));
}

export type RecordHeaders = Record<string, Buffer | Buffer[] | undefined>;

/** A key that is repeated has a list. */
export function headersOf(bytes: Buffer, keyAt: number): RecordHeaders {
  let at = behind(bytes, behind(bytes, keyAt));
  // Any name may come, `__proto__` too.
  const headers: RecordHeaders = Object.create(null);
  const count = readVarint(bytes, at);
  at = skipVarint(bytes, at);
  for (let i = 0; i < count; i += 1) {
    const name = fieldAt(bytes, at)?.toString() ?? '';
    at = behind(bytes, at);
    const value = fieldAt(bytes, at) ?? undefined;
    at = behind(bytes, at);
    const before = headers[name];
    headers[name] = name in headers ? ([before, value].flat() as Buffer[]) : value;
  }
  return headers;
}

function fieldAt(bytes: Buffer, at: number): Buffer | null {
  const length = readVarint(bytes, at);
  if (length < 0) return null;
  const start = skipVarint(bytes, at);
  return bytes.subarray(start, start + length);
}

function behind(bytes: Buffer, at: number): number {
  return skipVarint(bytes, at) + Math.max(readVarint(bytes, at), 0);
}

/** Zigzag, up to 2^53. */
function readVarint(bytes: Buffer, at: number): number {
  let byte = bytes[at]!;
  if (byte < 0x80) return (byte >>> 1) ^ -(byte & 1);
  let value = 0;
  let scale = 1;
  for (let i = at; ; i += 1) {
    byte = bytes[i]!;
    if (byte === undefined) throw new RangeError('A record is cut off');
    value += (byte & 0x7f) * scale;
    if (byte < 0x80) break;
    scale *= 128;
  }
  return value % 2 === 0 ? value / 2 : -(value + 1) / 2;
}

function skipVarint(bytes: Buffer, at: number): number {
  let end = at;
  while (bytes[end]! >= 0x80) end += 1;
  return end + 1;
}
