/** Reads a key of whatever type, in one round trip where what a test wrote tells which type it is. */
import type { Cluster, Redis } from 'ioredis';
import type { Entry, ReadOptions } from '../../core/entries.ts';
import { isWrongType } from './errors.ts';
import { answers } from './store.ts';
import { decode, decodePart, NotOfForm } from './values.ts';

/** Items of a list, a sorted set or a stream that are read, at most. */
const MOST_ITEMS = 10_000;
/** The key may get another type while it is read. */
const ATTEMPTS = 3;

type Options = Pick<ReadOptions, 'as' | 'expected'> & { facts: readonly string[] };

/** Undefined where there is no such key. */
export async function readKey(
  redis: Redis | Cluster,
  key: Buffer | string,
  options: Options,
): Promise<Entry | undefined> {
  const { facts } = options;
  let type = guess(options);
  for (let attempt = 1; ; attempt += 1) {
    try {
      const commands: Command[] = [
        ...(type === undefined ? [['TYPE', key] as const] : []),
        ...(facts.includes('ttl') ? [['PTTL', key] as const] : []),
        ...(type === undefined ? [] : (READERS[type]?.commands(key) ?? [])),
      ];
      const replies = await run(redis, commands);
      if (type === undefined) {
        type = String(replies[0]);
        if (type === 'none') return undefined;
        if (READERS[type] === undefined) return foreign(type);
        continue;
      }
      const ttl = facts.includes('ttl') ? Number(replies.shift()) : undefined;
      const read = READERS[type]!.read(replies, options.as);
      if (read === undefined) return undefined;
      return {
        type: READERS[type]!.type ?? type,
        ...read,
        ...(ttl === undefined ? {} : { ttl: ttl < 0 ? null : ttl }),
      };
    } catch (error) {
      if (!isWrongType(error) || attempt === ATTEMPTS) throw error;
      type = undefined;
    }
  }
}

type Command = readonly [name: string, ...args: (Buffer | string | number)[]];

/** In one round trip; a pipeline costs more than a command of its own. */
async function run(redis: Redis | Cluster, commands: readonly Command[]): Promise<unknown[]> {
  const [first, ...more] = commands;
  if (first !== undefined && more.length === 0) return [await redis.callBuffer(...(first as [string]))];
  const ask = redis.pipeline();
  for (const command of commands) ask.callBuffer(...(command as [string]));
  return answers(await ask.exec());
}

/** Most keys that are read are of the type that the test expects. */
function guess({ as, expected }: Options): string | undefined {
  if (expected === undefined || Array.isArray(expected)) return undefined;
  if (as !== undefined || typeof expected !== 'object' || expected === null) return 'string';
  if (ArrayBuffer.isView(expected)) return 'string';
  const prototype: unknown = Object.getPrototypeOf(expected);
  const isPlain = prototype === null || Object.getPrototypeOf(prototype) === null;
  return isPlain && !('asymmetricMatch' in expected) ? 'hash' : undefined;
}

interface Reader {
  commands(key: Buffer | string): Command[];
  /** Undefined: there is no such key. */
  read(replies: unknown[], as: string | undefined): Omit<Entry, 'type'> | undefined;
  /** Where it has a better name than the server's. */
  type?: string;
}

const READERS: Readonly<Record<string, Reader>> = {
  string: {
    commands: (key) => [['GET', key]],
    read: ([bytes], as) => (bytes === null ? undefined : text(bytes as Buffer, as)),
  },
  hash: {
    commands: (key) => [['HGETALL', key]],
    read([reply], as) {
      const fields = pairs(reply as Buffer[]);
      if (fields.length === 0) return undefined;
      const value = Object.fromEntries(fields.map(([name, bytes]) => [name.toString(), decodePart(bytes, as)]));
      return { value, size: counted(fields.length, 'field') };
    },
  },
  list: {
    commands: (key) => [
      ['LRANGE', key, 0, MOST_ITEMS - 1],
      ['LLEN', key],
    ],
    read: ([items, length], as) => listed(items as Buffer[], Number(length), 'item', as),
  },
  set: {
    commands: (key) => [['SMEMBERS', key]],
    read([reply], as) {
      const members = (reply as Buffer[]).map((bytes) => decodePart(bytes, as));
      return members.length === 0
        ? undefined
        : { value: members, unordered: true, size: counted(members.length, 'member') };
    },
  },
  zset: {
    type: 'sorted set',
    commands: (key) => [
      ['ZRANGE', key, 0, MOST_ITEMS - 1, 'WITHSCORES'],
      ['ZCARD', key],
    ],
    read([reply, length]) {
      const scored = pairs((reply as (Buffer | Buffer[])[]).flat());
      if (scored.length === 0) return undefined;
      const members = scored.map(([member]) => String(decode(member, 'text')));
      const value = Object.fromEntries(scored.map(([, score], index) => [members[index]!, number(score)]));
      return { value, list: members, size: partly(scored.length, Number(length), 'member') };
    },
  },
  stream: {
    commands: (key) => [
      ['XREVRANGE', key, '+', '-', 'COUNT', MOST_ITEMS],
      ['XLEN', key],
    ],
    read([reply, length], as) {
      const entries = (reply as [id: Buffer, fields: Buffer[]][]).reverse();
      const value = entries.map(([id, fields]) => ({ id: id.toString(), fields: fieldsOf(fields, as) }));
      return { value, size: partly(entries.length, Number(length), 'entry', 'entries') };
    },
  },
  'ReJSON-RL': {
    type: 'JSON',
    commands: (key) => [['JSON.GET', key]],
    read: ([bytes]) => (bytes === null ? undefined : { value: decode(bytes as Buffer, 'json') }),
  },
};

export function fieldsOf(fields: Buffer[], as: string | undefined): Record<string, unknown> {
  return Object.fromEntries(pairs(fields).map(([name, bytes]) => [name.toString(), decodePart(bytes, as)]));
}

function text(bytes: Buffer, as: string | undefined): Omit<Entry, 'type'> {
  try {
    return { value: decode(bytes, as) };
  } catch (error) {
    if (error instanceof NotOfForm) return { value: undefined, unreadable: error.message };
    throw error;
  }
}

function listed(
  items: Buffer[],
  length: number,
  noun: string,
  as: string | undefined,
): Omit<Entry, 'type'> | undefined {
  if (length === 0) return undefined;
  return { value: items.map((bytes) => decodePart(bytes, as)), size: partly(items.length, length, noun) };
}

function foreign(type: string): Entry {
  return { type, value: undefined, unreadable: 'it is a value of a module, which only commands of its own read' };
}

function pairs(flat: Buffer[]): [Buffer, Buffer][] {
  return Array.from({ length: flat.length / 2 }, (_, index) => [flat[2 * index]!, flat[2 * index + 1]!]);
}

function number(score: Buffer): number {
  const written = score.toString();
  return /inf/i.test(written) ? (written.startsWith('-') ? -1 : 1) * Number.POSITIVE_INFINITY : Number(written);
}

function counted(count: number, word: string, words = `${word}s`): string {
  return `${count} ${count === 1 ? word : words}`;
}

function partly(read: number, all: number, word: string, words?: string): string {
  return read < all ? `${counted(all, word, words)}, of which ${read} were read` : counted(all, word, words);
}
