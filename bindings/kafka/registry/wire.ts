/**
 * How a message carries the id of its schema: in front of the payload (byte 0 and an int32), or in a header (the
 * same, or byte 1 and the schema's guid). Protobuf adds which message of the schema it is.
 */
import type { MessageHeaders, Part } from '../codec.ts';

export interface SchemaId {
  readonly id?: number;
  readonly guid?: string;
  /** Empty where the format has none. */
  readonly indexes: readonly number[];
}

const PREFIX = 0;
const GUID = 1;

export function headerName(part: Part): string {
  return `__${part}_schema_id`;
}

export function writePrefix({ id, indexes }: { id: number; indexes: readonly number[] }, hasIndexes: boolean): Buffer {
  const head = Buffer.alloc(5);
  head.writeUInt8(PREFIX, 0);
  head.writeInt32BE(id, 1);
  return hasIndexes ? Buffer.concat([head, writeIndexes(indexes)]) : head;
}

export function writeHeader(guid: string, indexes: readonly number[], hasIndexes: boolean): Buffer {
  const head = Buffer.concat([Buffer.of(GUID), Buffer.from(guid.replaceAll('-', ''), 'hex')]);
  return hasIndexes ? Buffer.concat([head, writeIndexes(indexes)]) : head;
}

/** The id, from the header where there is one, and the payload behind it. @throws Error for bytes without one */
export function readSchemaId(
  bytes: Buffer,
  headers: MessageHeaders,
  part: Part,
  hasIndexes: boolean,
): { schema: SchemaId; payload: Buffer } {
  const header = [headers[headerName(part)]].flat().at(-1);
  if (header !== undefined) {
    const { schema } = readHead(
      Buffer.isBuffer(header) ? header : Buffer.from(header, 'latin1'),
      hasIndexes,
      `the header ${headerName(part)}`,
    );
    return { schema, payload: bytes };
  }
  const { schema, length } = readHead(bytes, hasIndexes, 'it');
  return { schema, payload: bytes.subarray(length) };
}

function readHead(bytes: Buffer, hasIndexes: boolean, what: string): { schema: SchemaId; length: number } {
  const magic = bytes[0];
  const length = magic === PREFIX ? 5 : 17;
  if ((magic !== PREFIX && magic !== GUID) || bytes.length < length) {
    throw new Error(`${what} does not begin with a schema id of a registry (byte 0 and 4 bytes)`);
  }
  const id = magic === PREFIX ? { id: bytes.readInt32BE(1) } : { guid: guidOf(bytes.subarray(1, 17)) };
  if (!hasIndexes) return { schema: { ...id, indexes: [] }, length };
  const { indexes, end } = readIndexes(bytes, length);
  return { schema: { ...id, indexes }, length: end };
}

/** Zigzag varints: their number, then each; the first message, by far the commonest, is a single 0. */
function writeIndexes(indexes: readonly number[]): Buffer {
  if (indexes.length === 1 && indexes[0] === 0) return Buffer.of(0);
  return Buffer.from([indexes.length, ...indexes].flatMap(varint));
}

function varint(value: number): number[] {
  const bytes: number[] = [];
  let rest = value * 2;
  for (; rest >= 0x80; rest = Math.floor(rest / 0x80)) bytes.push((rest % 0x80) | 0x80);
  return [...bytes, rest];
}

function readIndexes(bytes: Buffer, from: number): { indexes: number[]; end: number } {
  let end = from;
  const next = (): number => {
    let value = 0;
    for (let factor = 1; ; factor *= 0x80) {
      const byte = bytes[end++];
      if (byte === undefined || factor > 2 ** 28) throw new Error('the message indexes are cut off');
      value += (byte & 0x7f) * factor;
      if (byte < 0x80) break;
    }
    if (value % 2 === 1) throw new Error('a message index is negative');
    return value / 2;
  };
  const count = next();
  if (count === 0) return { indexes: [0], end };
  if (count > bytes.length - end) throw new Error('the message indexes are cut off');
  return { indexes: Array.from({ length: count }, next), end };
}

function guidOf(bytes: Buffer): string {
  return bytes.toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-');
}
