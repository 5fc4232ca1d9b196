/** Commands on one record: get, exists, put, remove, operate. */
import { collectionOperation } from './collections.ts';
import { FIELD, INFO1, INFO2, INFO3, type Message, OP, type Operation, RESULT, type Reply, TYPE } from './protocol.ts';
import { type Bin, expiry, type Namespace, type StoredRecord } from './store.ts';

export interface Limits {
  /** Bytes that all bins of a record may take. */
  maxRecordSize: number;
}

/** What a command on one record is: alone, or in a batch. */
export type Command = Pick<Message, 'info1' | 'info2' | 'info3' | 'generation' | 'ttl' | 'fields' | 'operations'>;

export function execute(namespace: Namespace, digest: Buffer, command: Command, limits: Limits): Reply {
  if (command.fields.has(FIELD.filter)) return { result: RESULT.unsupported };
  const record = namespace.get(digest);
  if (!(command.info2 & INFO2.write)) return record ? read(record, command) : { result: RESULT.notFound };
  const refusal = refused(record, command);
  if (refusal !== undefined) return { result: refusal, generation: record?.generation ?? 0 };
  if (command.info2 & INFO2.delete) {
    namespace.delete(digest);
    return {};
  }
  return write(namespace, digest, record, command, limits);
}

/** What a record is when it travels: its bins, of those that were asked for. */
export function binsOf(record: StoredRecord, names: readonly string[]): Operation[] {
  return Array.from(record.bins, ([bin, content]) => ({ code: OP.read, bin, ...content })).filter(
    ({ bin }) => names.length === 0 || names.includes(bin),
  );
}

function read(record: StoredRecord, { info1, operations }: Command): Reply {
  const { generation, expires } = record;
  if (info1 & INFO1.noBins) return { generation, expires };
  if (info1 & INFO1.getAll || operations.length === 0) {
    return { generation, expires, operations: binsOf(record, []) };
  }
  const results = operations.map((operation) => readBin(record.bins, operation));
  const failed = results.find(({ result }) => result);
  if (failed) return { result: failed.result! };
  return { generation, expires, operations: results.flatMap(({ value }) => value ?? []) };
}

function readBin(bins: ReadonlyMap<string, Bin>, operation: Operation): { result?: number; value?: Operation } {
  const { code, bin } = operation;
  const current = bins.get(bin);
  if (code === OP.read) return current ? { value: { code, bin, ...current } } : {};
  if (code !== OP.collectionRead) return { result: RESULT.parameter };
  if (!current) return {};
  const { result, value } = collectionOperation(current, operation);
  return { ...(result ? { result } : {}), ...(value ? { value: { code, bin, ...value } } : {}) };
}

function refused(record: StoredRecord | undefined, { info2, info3, generation }: Command): number | undefined {
  if (info2 & INFO2.createOnly && record) return RESULT.exists;
  const needsRecord = info2 & INFO2.delete || info3 & (INFO3.updateOnly | INFO3.replaceOnly);
  if (needsRecord && !record) return RESULT.notFound;
  if (info2 & INFO2.generation && record?.generation !== generation) return RESULT.generation;
  if (info2 & INFO2.generationGreater && generation <= (record?.generation ?? 0)) return RESULT.generation;
  return undefined;
}

function write(
  namespace: Namespace,
  digest: Buffer,
  before: StoredRecord | undefined,
  command: Command,
  { maxRecordSize }: Limits,
): Reply {
  const { fields, info2, info3, ttl, operations } = command;
  const replaces = Boolean(info3 & (INFO3.createOrReplace | INFO3.replaceOnly));
  // All or nothing: the record is changed only when every operation has succeeded.
  const bins = new Map(replaces ? [] : before?.bins);
  const results: Operation[] = [];
  let changes = false;
  for (const operation of operations) {
    const { code, bin } = operation;
    const done = apply(bins, operation, Boolean(info2 & INFO2.allOps));
    if (done.result) return { result: done.result };
    changes ||= !([OP.read, OP.collectionRead] as number[]).includes(code);
    if (code === OP.read && bin === '')
      results.push(...Array.from(bins, ([name, content]) => ({ code, bin: name, ...content })));
    else if (done.value) results.push({ code, bin, ...done.value });
  }
  if (!changes) {
    if (!before) return { result: RESULT.notFound };
    return { generation: before.generation, expires: before.expires, operations: results };
  }
  if (!before && operations.every(({ code }) => code === OP.touch)) return { result: RESULT.notFound };
  if (Array.from(bins.values()).reduce((size, { data }) => size + data.length, 0) > maxRecordSize) {
    return { result: RESULT.tooBig };
  }
  if (bins.size === 0) {
    namespace.delete(digest);
    return { operations: results };
  }
  const record: StoredRecord = {
    digest: Buffer.from(digest),
    set: fields.get(FIELD.set)?.toString() ?? '',
    key: copied(fields.get(FIELD.key)) ?? before?.key,
    generation: (before?.generation ?? 0) + 1,
    expires: expiry(ttl, before?.expires ?? 0),
    bins,
  };
  namespace.set(record);
  return { generation: record.generation, expires: record.expires, operations: results };
}

function apply(bins: Map<string, Bin>, operation: Operation, all: boolean): { result?: number; value?: Bin } {
  const { code, type, bin, data } = operation;
  const current = bins.get(bin);
  const nothing: Bin = { type: TYPE.null, data: Buffer.alloc(0) };
  const done = all ? { value: nothing } : {};
  switch (code) {
    case OP.write:
      if (type === TYPE.null) bins.delete(bin);
      else bins.set(bin, { type, data });
      return done;
    case OP.increment: {
      if (current && current.type !== type) return { result: RESULT.binType };
      bins.set(bin, { type, data: sum(type, current?.data, data) });
      return done;
    }
    case OP.append:
    case OP.prepend: {
      if (current && current.type !== type) return { result: RESULT.binType };
      const parts = [current?.data ?? Buffer.alloc(0), data];
      bins.set(bin, { type, data: Buffer.concat(code === OP.append ? parts : parts.reverse()) });
      return done;
    }
    case OP.touch:
      return done;
    case OP.delete:
      bins.clear();
      return done;
    case OP.read:
      return current ? { value: current } : done;
    case OP.collectionRead:
    case OP.collectionModify: {
      if (code === OP.collectionRead && !current) return done;
      const { result, value, bin: changed } = collectionOperation(current, operation);
      if (result) return { result };
      if (changed) bins.set(bin, changed);
      return value ? { value } : done;
    }
  }
  return { result: RESULT.parameter };
}

function sum(type: number, a: Buffer | undefined, b: Buffer): Buffer {
  const data = Buffer.alloc(8);
  if (type === TYPE.double) data.writeDoubleBE((a?.readDoubleBE() ?? 0) + b.readDoubleBE());
  else data.writeBigInt64BE(BigInt.asIntN(64, (a?.readBigInt64BE() ?? 0n) + b.readBigInt64BE()));
  return data;
}

function copied(data: Buffer | undefined): Buffer | undefined {
  return data && Buffer.from(data);
}
