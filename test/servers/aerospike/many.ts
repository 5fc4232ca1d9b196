/** Commands on many records: batches, scans and queries. Their replies come in several frames, the last one says so. */
import {
  FIELD,
  FRAME,
  frame,
  INFO1,
  INFO3,
  type Message,
  RESULT,
  type Reply,
  readParts,
  TYPE,
  writeReply,
} from './protocol.ts';
import { binsOf, type Command, execute, type Limits } from './record.ts';
import { type Namespace, partitionOf, type StoredRecord } from './store.ts';

/** Records in one frame. */
const PAGE = 100;

type Find = (name: string) => Namespace | undefined;

const FLAG = { repeat: 1, info: 2, generation: 4, ttl: 8, info4: 16 } as const;

export function batch({ fields }: Message, find: Find, limits: Limits): Buffer[] {
  const body = fields.get(FIELD.batch)!;
  const count = body.readUInt32BE(0);
  const replies: Reply[] = [];
  let command: Command | undefined;
  let p = 5;
  for (let i = 0; i < count; i += 1) {
    const index = body.readUInt32BE(p);
    const digest = body.subarray(p + 4, p + 24);
    const flags = body[p + 24]!;
    p += 25;
    if (!(flags & FLAG.repeat)) ({ command, p } = batchCommand(body, p, flags));
    const namespace = find(command!.fields.get(FIELD.namespace)?.toString() ?? '');
    const reply = namespace ? execute(namespace, digest, command!, limits) : { result: RESULT.namespace };
    replies.push({ ...reply, index });
  }
  return pages(replies.map(writeReply));
}

function batchCommand(body: Buffer, at: number, flags: number): { command: Command; p: number } {
  let p = at;
  const info = { info1: body[p++]!, info2: 0, info3: 0 };
  if (flags & FLAG.info) {
    info.info2 = body[p++]!;
    info.info3 = body[p++]!;
  }
  if (flags & FLAG.info4) p += 1;
  const generation = flags & FLAG.generation ? body.readUInt16BE(p) : 0;
  if (flags & FLAG.generation) p += 2;
  const ttl = flags & FLAG.ttl ? body.readUInt32BE(p) : 0;
  if (flags & FLAG.ttl) p += 4;
  const counts = { fields: body.readUInt16BE(p), operations: body.readUInt16BE(p + 2) };
  const { fields, operations, end } = readParts(body, p + 4, counts);
  return { command: { ...info, generation, ttl, fields, operations }, p: end };
}

/** A scan, or a query on an index; of the partitions that the client names. */
export function scan(message: Message, namespace: Namespace): Buffer[] {
  const { fields, info1, operations } = message;
  if (fields.has(FIELD.filter)) return last(RESULT.unsupported);
  const set = fields.get(FIELD.set)?.toString() ?? '';
  const range = fields.get(FIELD.indexRange);
  const filter = range && readRange(range);
  if (filter && !Array.from(namespace.indexes.values()).some(({ bin }) => bin === filter.bin)) {
    return last(RESULT.indexNotFound);
  }
  const limit = fields.get(FIELD.maxRecords)?.readBigUInt64BE();
  const wanted = wantedPartitions(fields);
  const found = namespace
    .all(set)
    .filter((record) => wanted(record.digest) && (!filter || filter.accepts(record)))
    .slice(0, limit === undefined ? undefined : Number(limit));
  const names = operations.map(({ bin }) => bin);
  const replies = found.map((record) => {
    const { digest, key, generation, expires } = record;
    const own: [number, Buffer][] = [
      [FIELD.namespace, Buffer.from(namespace.name)],
      [FIELD.digest, digest],
      [FIELD.set, Buffer.from(record.set)],
    ];
    if (key) own.push([FIELD.key, key]);
    const bins = info1 & INFO1.noBins ? [] : binsOf(record, names);
    return writeReply({ generation, expires, fields: own, operations: bins });
  });
  return pages(replies);
}

/** Whole partitions, and others from after a record on: where the page before ended. */
function wantedPartitions(fields: ReadonlyMap<number, Buffer>): (digest: Buffer) => boolean {
  const whole = new Set<number>();
  const from = new Map<number, Buffer>();
  const ids = fields.get(FIELD.partitions);
  for (let i = 0; ids && i < ids.length; i += 2) whole.add(ids.readUInt16LE(i));
  const digests = fields.get(FIELD.digests);
  for (let i = 0; digests && i < digests.length; i += 20) {
    const digest = digests.subarray(i, i + 20);
    from.set(partitionOf(digest), digest);
  }
  if (whole.size === 0 && from.size === 0) return () => true;
  return (digest) => {
    const partition = partitionOf(digest);
    const after = from.get(partition);
    return whole.has(partition) || (after !== undefined && digest.compare(after) > 0);
  };
}

function readRange(range: Buffer): { bin: string; accepts(record: StoredRecord): boolean } {
  const name = range[1]!;
  const bin = range.toString('utf8', 2, 2 + name);
  let p = 2 + name;
  const type = range[p]!;
  p += 1;
  const next = () => {
    const length = range.readUInt32BE(p);
    const data = range.subarray(p + 4, p + 4 + length);
    p += 4 + length;
    return data;
  };
  const [low, high] = [next(), next()];
  return {
    bin,
    accepts({ bins }) {
      const content = bins.get(bin);
      if (content?.type !== type) return false;
      if (type !== TYPE.integer) return content.data.equals(low);
      const value = content.data.readBigInt64BE();
      return value >= low.readBigInt64BE() && value <= high.readBigInt64BE();
    },
  };
}

function pages(replies: readonly Buffer[]): Buffer[] {
  const frames: Buffer[] = [];
  for (let i = 0; i < replies.length; i += PAGE) {
    frames.push(frame(FRAME.message, Buffer.concat(replies.slice(i, i + PAGE))));
  }
  return [...frames, ...last(RESULT.ok)];
}

export function last(result: number): Buffer[] {
  return [frame(FRAME.message, writeReply({ info3: INFO3.last, result }))];
}
