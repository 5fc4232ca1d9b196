/**
 * Aerospike's wire protocol as its public documents and clients describe it: frames, and messages of fields and
 * operations. Numbers are big-endian but where it is said.
 */
export const FRAME = { info: 1, admin: 2, message: 3 } as const;

export const FIELD = {
  namespace: 0,
  set: 1,
  key: 2,
  digest: 4,
  partitions: 11,
  digests: 12,
  maxRecords: 13,
  indexRange: 22,
  batch: 41,
  filter: 43,
} as const;

export const INFO1 = { read: 1, getAll: 2, noBins: 32 } as const;
export const INFO2 = { write: 1, delete: 2, generation: 4, generationGreater: 8, createOnly: 32, allOps: 128 } as const;
export const INFO3 = { last: 1, updateOnly: 8, createOrReplace: 16, replaceOnly: 32 } as const;

export const OP = {
  read: 1,
  write: 2,
  collectionRead: 3,
  collectionModify: 4,
  increment: 5,
  append: 9,
  prepend: 10,
  touch: 11,
  delete: 14,
} as const;

export const TYPE = { null: 0, integer: 1, double: 2, string: 3, bytes: 4, map: 19, list: 20 } as const;

export const RESULT = {
  ok: 0,
  notFound: 2,
  generation: 3,
  parameter: 4,
  exists: 5,
  binType: 12,
  tooBig: 13,
  unsupported: 16,
  namespace: 20,
  notApplicable: 26,
  unknownUser: 60,
  credential: 65,
  notAuthenticated: 80,
  indexNotFound: 201,
} as const;

export interface Operation {
  code: number;
  type: number;
  bin: string;
  data: Buffer;
}

export interface Message {
  info1: number;
  info2: number;
  info3: number;
  generation: number;
  ttl: number;
  fields: ReadonlyMap<number, Buffer>;
  operations: readonly Operation[];
}

export interface Reply {
  result?: number;
  info3?: number;
  generation?: number;
  /** Seconds since 2010; 0: for ever. */
  expires?: number;
  /** Which one of a batch. */
  index?: number;
  fields?: readonly (readonly [type: number, data: Buffer])[];
  operations?: readonly Operation[];
}

/** Cuts what arrives into frames; what is left waits for more. */
export class Frames {
  #chunks: Buffer[] = [];
  #length = 0;
  #wanted = 8;

  *push(chunk: Buffer): Generator<{ type: number; body: Buffer }> {
    this.#chunks.push(chunk);
    this.#length += chunk.length;
    // A large frame comes in many chunks: they are put together once.
    while (this.#length >= this.#wanted) {
      const all = Buffer.concat(this.#chunks);
      const end = 8 + all.readUIntBE(2, 6);
      this.#wanted = all.length < end ? end : 8;
      const rest = all.length < end ? all : all.subarray(end);
      this.#chunks = [rest];
      this.#length = rest.length;
      if (all.length >= end) yield { type: all[1]!, body: all.subarray(8, end) };
    }
  }
}

export function frame(type: number, body: Buffer): Buffer {
  const header = Buffer.alloc(8);
  header[0] = 2;
  header[1] = type;
  header.writeUIntBE(body.length, 2, 6);
  return Buffer.concat([header, body]);
}

export function readMessage(body: Buffer): Message {
  const head = { info1: body[1]!, info2: body[2]!, info3: body[3]! };
  const counts = { fields: body.readUInt16BE(18), operations: body.readUInt16BE(20) };
  const { fields, operations } = readParts(body, 22, counts);
  return { ...head, generation: body.readUInt32BE(6), ttl: body.readUInt32BE(10), fields, operations };
}

export function readParts(body: Buffer, at: number, counts: { fields: number; operations: number }) {
  let p = at;
  const fields = new Map<number, Buffer>();
  for (let i = 0; i < counts.fields; i += 1) {
    const length = body.readUInt32BE(p);
    fields.set(body[p + 4]!, body.subarray(p + 5, p + 4 + length));
    p += 4 + length;
  }
  const operations: Operation[] = [];
  for (let i = 0; i < counts.operations; i += 1) {
    const length = body.readUInt32BE(p);
    const name = body[p + 7]!;
    operations.push({
      code: body[p + 4]!,
      type: body[p + 5]!,
      bin: body.toString('utf8', p + 8, p + 8 + name),
      data: Buffer.from(body.subarray(p + 8 + name, p + 4 + length)),
    });
    p += 4 + length;
  }
  return { fields, operations, end: p };
}

export function writeReply(reply: Reply): Buffer {
  const { fields = [], operations = [] } = reply;
  const header = Buffer.alloc(22);
  header[0] = 22;
  header[3] = reply.info3 ?? 0;
  header[5] = reply.result ?? RESULT.ok;
  header.writeUInt32BE(reply.generation ?? 0, 6);
  header.writeUInt32BE(reply.expires ?? 0, 10);
  header.writeUInt32BE(reply.index ?? 0, 14);
  header.writeUInt16BE(fields.length, 18);
  header.writeUInt16BE(operations.length, 20);
  return Buffer.concat([header, ...fields.flatMap(writeField), ...operations.flatMap(writeOperation)]);
}

function writeField([type, data]: readonly [number, Buffer]): Buffer[] {
  const header = Buffer.alloc(5);
  header.writeUInt32BE(data.length + 1);
  header[4] = type;
  return [header, data];
}

function writeOperation({ code, type, bin, data }: Operation): Buffer[] {
  const name = Buffer.from(bin);
  const header = Buffer.alloc(8);
  header.writeUInt32BE(4 + name.length + data.length);
  header[4] = code;
  header[5] = type;
  header[7] = name.length;
  return [header, name, data];
}
