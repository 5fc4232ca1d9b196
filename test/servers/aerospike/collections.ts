/**
 * Operations inside lists and maps, on MessagePack as it lies in the bin: elements are cut out and put together again,
 * never decoded, but for numbers that are added up. The operations that tests of services use; others are refused.
 */
import { type Operation, RESULT, TYPE } from './protocol.ts';
import type { Bin } from './store.ts';

export interface CollectionResult {
  result?: number;
  /** The bin's new content. */
  bin?: Bin;
  /** What the client is told. */
  value?: Bin;
}

const LIST = { append: 1, appendItems: 2, pop: 5, remove: 7, set: 9, clear: 11, size: 16, get: 17, getRange: 18 };
const MAP = { put: 67, putItems: 68, increment: 73, clear: 75, removeByKey: 76, size: 96, getByKey: 97 };

export function collectionOperation(current: Bin | undefined, { data }: Operation): CollectionResult {
  if (data[0] === undefined || data[0] >> 4 !== 9) return { result: RESULT.parameter };
  const [code, ...args] = elements(data);
  const operation = Number(integer(code!));
  const type = operation < 64 ? TYPE.list : TYPE.map;
  if (current && current.type !== type) return { result: RESULT.binType };
  return type === TYPE.list
    ? listOperation(operation, current ? elements(current.data) : [], args)
    : mapOperation(operation, current ? elements(current.data) : [], args);
}

function listOperation(operation: number, items: Buffer[], args: Buffer[]): CollectionResult {
  const index = () => {
    const i = Number(integer(args[0]!));
    return i < 0 ? items.length + i : i;
  };
  const changed = (value: Bin) => ({ bin: list(items), value });
  switch (operation) {
    case LIST.append:
      items.push(args[0]!);
      return changed(number(items.length));
    case LIST.appendItems:
      items.push(...elements(args[0]!));
      return changed(number(items.length));
    case LIST.set:
      items[index()] = args[1]!;
      return changed({ type: TYPE.null, data: Buffer.alloc(0) });
    case LIST.clear:
      items.length = 0;
      return changed({ type: TYPE.null, data: Buffer.alloc(0) });
    case LIST.pop:
    case LIST.remove: {
      const [taken] = items.splice(index(), 1);
      if (!taken) return { result: RESULT.notApplicable };
      return changed(operation === LIST.pop ? unpacked(taken) : number(1));
    }
    case LIST.size:
      return { value: number(items.length) };
    case LIST.get: {
      const item = items[index()];
      return item ? { value: unpacked(item) } : { result: RESULT.notApplicable };
    }
    case LIST.getRange: {
      const from = index();
      const count = args[1] ? Number(integer(args[1])) : items.length;
      return { value: list(items.slice(from, from + count)) };
    }
  }
  return { result: RESULT.parameter };
}

/** `pairs`: key, value, key, value … */
function mapOperation(operation: number, pairs: Buffer[], args: Buffer[]): CollectionResult {
  const at = (key: Buffer) => {
    for (let i = 0; i < pairs.length; i += 2) if (pairs[i]!.equals(key)) return i;
    return -1;
  };
  const put = (key: Buffer, value: Buffer) => {
    const i = at(key);
    if (i >= 0) pairs[i + 1] = value;
    else pairs.push(key, value);
  };
  // A sorted map says so in an extension before its first entry.
  const size = () => (pairs.length - (isExtension(pairs[0]) ? 2 : 0)) / 2;
  const changed = (value: Bin) => ({ bin: map(pairs), value });
  switch (operation) {
    case MAP.put:
      put(args[0]!, args[1]!);
      return changed(number(size()));
    case MAP.putItems: {
      const given = elements(args[0]!);
      for (let i = 0; i < given.length; i += 2) put(given[i]!, given[i + 1]!);
      return changed(number(size()));
    }
    case MAP.increment: {
      const i = at(args[0]!);
      const sum = (i < 0 ? 0n : integer(pairs[i + 1]!)) + integer(args[1]!);
      put(args[0]!, packedInteger(sum));
      return changed(number(sum));
    }
    case MAP.clear:
      pairs.length = 0;
      return changed({ type: TYPE.null, data: Buffer.alloc(0) });
    case MAP.removeByKey: {
      const i = at(args[1]!);
      if (i >= 0) pairs.splice(i, 2);
      return changed({ type: TYPE.null, data: Buffer.alloc(0) });
    }
    case MAP.size:
      return { value: number(size()) };
    case MAP.getByKey: {
      const i = at(args[1]!);
      return { value: i < 0 ? { type: TYPE.null, data: Buffer.alloc(0) } : unpacked(pairs[i + 1]!) };
    }
  }
  return { result: RESULT.parameter };
}

/** The elements of a list, or the keys and values of a map, each as its bytes. */
function elements(data: Buffer): Buffer[] {
  const { count, start } = container(data, 0);
  const result: Buffer[] = [];
  let p = start;
  for (let i = 0; i < count; i += 1) {
    const end = endOf(data, p);
    result.push(Buffer.from(data.subarray(p, end)));
    p = end;
  }
  return result;
}

function container(data: Buffer, at: number): { count: number; start: number } {
  const head = data[at]!;
  if (head >> 4 === 9) return { count: head & 15, start: at + 1 };
  if (head >> 4 === 8) return { count: (head & 15) * 2, start: at + 1 };
  if (head === 0xdc) return { count: data.readUInt16BE(at + 1), start: at + 3 };
  if (head === 0xdd) return { count: data.readUInt32BE(at + 1), start: at + 5 };
  if (head === 0xde) return { count: data.readUInt16BE(at + 1) * 2, start: at + 3 };
  if (head === 0xdf) return { count: data.readUInt32BE(at + 1) * 2, start: at + 5 };
  throw new Error(`0x${head.toString(16)} begins no list and no map`);
}

/** Bytes after the head, where the head says it all. */
const FIXED: Readonly<Record<number, number>> = {
  ...{ 192: 0, 194: 0, 195: 0, 202: 4, 203: 8, 204: 1, 205: 2, 206: 4, 207: 8, 208: 1, 209: 2, 210: 4, 211: 8 },
  ...{ 212: 2, 213: 3, 214: 5, 215: 9, 216: 17 },
};

function endOf(data: Buffer, at: number): number {
  const head = data[at]!;
  if (head < 0x80 || head >= 0xe0) return at + 1;
  if (head >> 5 === 5) return at + 1 + (head & 31);
  const fixed = FIXED[head];
  if (fixed !== undefined) return at + 1 + fixed;
  if (head === 0xc4 || head === 0xd9) return at + 2 + data[at + 1]!;
  if (head === 0xc5 || head === 0xda) return at + 3 + data.readUInt16BE(at + 1);
  if (head === 0xc6 || head === 0xdb) return at + 5 + data.readUInt32BE(at + 1);
  if (head === 0xc7) return at + 3 + data[at + 1]!;
  const { count, start } = container(data, at);
  let p = start;
  for (let i = 0; i < count; i += 1) p = endOf(data, p);
  return p;
}

function isExtension(data: Buffer | undefined): boolean {
  return data !== undefined && ((data[0]! >= 0xd4 && data[0]! <= 0xd8) || data[0] === 0xc7);
}

function integer(data: Buffer): bigint {
  const head = data[0]!;
  if (head < 0x80) return BigInt(head);
  if (head >= 0xe0) return BigInt(head - 256);
  if (head >= 0xcc && head <= 0xcf) return BigInt(`0x${data.subarray(1).toString('hex')}`);
  return BigInt.asIntN((data.length - 1) * 8, BigInt(`0x${data.subarray(1).toString('hex')}`));
}

function packedInteger(value: bigint): Buffer {
  if (value >= 0n && value < 128n) return Buffer.of(Number(value));
  const data = Buffer.alloc(9);
  data[0] = value < 0n ? 0xd3 : 0xcf;
  if (value < 0n) data.writeBigInt64BE(value, 1);
  else data.writeBigUInt64BE(value, 1);
  return data;
}

/** An element as a bin of its own: strings and bytes carry their type before them. */
function unpacked(data: Buffer): Bin {
  const head = data[0]!;
  if (head === 0xc0) return { type: TYPE.null, data: Buffer.alloc(0) };
  if (head >> 4 === 9 || head === 0xdc || head === 0xdd) return { type: TYPE.list, data };
  if (head >> 4 === 8 || head === 0xde || head === 0xdf) return { type: TYPE.map, data };
  if (head === 0xcb) return { type: TYPE.double, data: data.subarray(1) };
  if (head === 0xca) {
    const double = Buffer.alloc(8);
    double.writeDoubleBE(data.readFloatBE(1));
    return { type: TYPE.double, data: double };
  }
  const isRaw = head >> 5 === 5 || (head >= 0xc4 && head <= 0xc6) || (head >= 0xd9 && head <= 0xdb);
  if (!isRaw) return number(integer(data));
  const skip = head >> 5 === 5 ? 1 : ({ 196: 2, 217: 2, 197: 3, 218: 3 }[head] ?? 5);
  return { type: data[skip]!, data: data.subarray(skip + 1) };
}

function number(value: number | bigint): Bin {
  const data = Buffer.alloc(8);
  data.writeBigInt64BE(BigInt(value));
  return { type: TYPE.integer, data };
}

function list(items: readonly Buffer[]): Bin {
  const head = items.length < 16 ? Buffer.of(0x90 | items.length) : Buffer.of(0xdd, 0, 0, 0, 0);
  if (items.length >= 16) head.writeUInt32BE(items.length, 1);
  return { type: TYPE.list, data: Buffer.concat([head, ...items]) };
}

function map(pairs: readonly Buffer[]): Bin {
  const count = pairs.length / 2;
  const head = count < 16 ? Buffer.of(0x80 | count) : Buffer.of(0xdf, 0, 0, 0, 0);
  if (count >= 16) head.writeUInt32BE(count, 1);
  return { type: TYPE.map, data: Buffer.concat([head, ...pairs]) };
}
