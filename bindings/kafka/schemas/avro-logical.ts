/** Avro's logical types: what a test sees and writes for what the bytes hold. An unknown one is ignored, as specified. */
import { types } from 'node:util';
import { Decimal, type DecimalLike } from '../../core/decimal.ts';
import { UUID } from '../encoders/plain.ts';
import { Mismatch } from '../mismatch.ts';
import type { AvroFixed, AvroNode, AvroPrimitive } from './avro.ts';

export interface LogicalType {
  decode(raw: never): unknown;
  /** @throws Mismatch */
  encode(value: unknown, path: string): unknown;
}

/** The logical type of a node, where it has one that is known and fits what it stands on. */
export function logicalType(node: AvroNode): LogicalType | undefined {
  if (!('logical' in node) || node.logical === undefined) return undefined;
  const found = LOGICAL[`${node.logical}:${node.kind}`];
  return found?.(node as AvroPrimitive | AvroFixed);
}

const DAY = 86_400_000;

const LOGICAL: Readonly<Record<string, (node: AvroPrimitive | AvroFixed) => LogicalType | undefined>> = {
  'date:int': () => ({
    decode: (raw: number) => new Date(raw * DAY).toISOString().slice(0, -'T00:00:00.000Z'.length),
    encode: (value, path) => {
      const time = types.isDate(value) ? value.getTime() : isDay(value) ? Date.parse(`${value}T00:00:00Z`) : Number.NaN;
      if (!Number.isInteger(time / DAY))
        throw new Mismatch(path, "a date ('YYYY-MM-DD', or a Date at 00:00 UTC)", value);
      return time / DAY;
    },
  }),
  'time-millis:int': () => time(1000),
  'time-micros:long': () => time(1_000_000),
  'timestamp-millis:long': () => timestamp(1n),
  'timestamp-micros:long': () => timestamp(1000n),
  'timestamp-nanos:long': () => timestamp(1_000_000n),
  'local-timestamp-millis:long': () => localTimestamp(1n),
  'local-timestamp-micros:long': () => localTimestamp(1000n),
  'uuid:string': () => ({ decode: (raw: string) => raw, encode: (value, path) => uuidText(value, path) }),
  'uuid:fixed': (node) =>
    node.kind === 'fixed' && node.size === 16
      ? {
          decode: (raw: Buffer) => raw.toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-'),
          encode: (value, path) => Buffer.from(uuidText(value, path).replaceAll('-', ''), 'hex'),
        }
      : undefined,
  'decimal:bytes': decimal,
  'decimal:fixed': decimal,
};

/** A point in time: a Date, cut to milliseconds. */
function timestamp(perMs: bigint): LogicalType {
  return {
    decode: (raw: number | bigint) => new Date(Number(floorDiv(BigInt(raw), perMs))),
    encode: (value, path) => {
      const at = types.isDate(value) ? value.getTime() : isInstant(value) ? Date.parse(value) : Number.NaN;
      if (Number.isNaN(at)) throw new Mismatch(path, 'a Date (or its ISO text with a zone)', value);
      return BigInt(at) * perMs;
    },
  };
}

/** A time on some wall: its ISO text without a zone, since a Date would be a point in time. */
function localTimestamp(perMs: bigint): LogicalType {
  return {
    decode: (raw: number | bigint) => new Date(Number(floorDiv(BigInt(raw), perMs))).toISOString().slice(0, -1),
    encode: (value, path) => {
      const at =
        typeof value === 'string' && /^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d{1,3})?)?$/.test(value)
          ? Date.parse(`${value}Z`)
          : Number.NaN;
      if (Number.isNaN(at)) throw new Mismatch(path, "a local time ('2026-01-31T12:00:00.000', without a zone)", value);
      return BigInt(at) * perMs;
    },
  };
}

/** A time of day: `10:15:30`, with 3 or 6 more digits where they are not 0. */
function time(perSecond: number): LogicalType {
  return {
    decode: (raw: number | bigint) => {
      const units = Number(raw);
      const seconds = Math.floor(units / perSecond);
      const micros = ((units % perSecond) * 1_000_000) / perSecond;
      const fraction = micros === 0 ? '' : `.${String(micros).padStart(6, '0').replace(/000$/, '')}`;
      const part = (n: number) => String(n).padStart(2, '0');
      return `${part(Math.floor(seconds / 3600))}:${part(Math.floor(seconds / 60) % 60)}:${part(seconds % 60)}${fraction}`;
    },
    encode: (value, path) => {
      const digits = String(perSecond).length - 1;
      const match =
        typeof value === 'string' ? /^([01]\d|2[0-3]):([0-5]\d)(?::([0-5]\d)(?:\.(\d+))?)?$/.exec(value) : null;
      if (!match || (match[4] ?? '').replace(/0+$/, '').length > digits) {
        throw new Mismatch(path, `a time of day ('10:15:30', with at most ${digits} digits of a second)`, value);
      }
      const [, hours, minutes, seconds = '0', fraction = ''] = match;
      const whole = Number(hours) * 3600 + Number(minutes) * 60 + Number(seconds);
      return whole * perSecond + Number(fraction.slice(0, digits).padEnd(digits, '0'));
    },
  };
}

/** Two's complement, big-endian; in `bytes` as short as can be, in `fixed` filled up by the sign. */
function decimal(node: AvroPrimitive | AvroFixed): LogicalType | undefined {
  const { precision, scale = 0 } = node;
  if (precision === undefined || !Number.isInteger(scale) || scale < 0 || scale > precision) return undefined;
  const expected = `decimal(${precision},${scale})`;
  return {
    decode: (raw: Buffer) =>
      new Decimal(raw.length ? BigInt.asIntN(raw.length * 8, BigInt(`0x${raw.toString('hex')}`)) : 0n, scale),
    encode: (value, path) => {
      const unscaled = toDecimal(value)?.unscaledAt(scale);
      if (unscaled === undefined) throw new Mismatch(path, expected, value);
      const magnitude = unscaled < 0n ? -unscaled : unscaled;
      if (magnitude >= 10n ** BigInt(precision)) throw new Mismatch(path, expected, value, 'It has too many digits');
      const length = node.kind === 'fixed' ? node.size : bytesFor(unscaled);
      if (BigInt.asIntN(length * 8, unscaled) !== unscaled) {
        throw new Mismatch(path, `${expected} in ${length} bytes`, value);
      }
      return Buffer.from(
        BigInt.asUintN(length * 8, unscaled)
          .toString(16)
          .padStart(length * 2, '0'),
        'hex',
      );
    },
  };
}

function toDecimal(value: unknown): Decimal | undefined {
  try {
    return Decimal.from(value as DecimalLike);
  } catch {
    // No decimal number: the caller says what was expected.
    return undefined;
  }
}

function bytesFor(value: bigint): number {
  let length = 1;
  while (BigInt.asIntN(length * 8, value) !== value) length += 1;
  return length;
}

function uuidText(value: unknown, path: string): string {
  if (typeof value === 'string' && UUID.test(value)) return value;
  throw new Mismatch(path, 'a UUID', value);
}

function isDay(value: unknown): value is string {
  if (typeof value !== 'string' || !/^\d{4}-\d\d-\d\d$/.test(value)) return false;
  const date = new Date(`${value}T00:00:00Z`);
  // `2026-02-30` is parsed as a day of March.
  return !Number.isNaN(date.getTime()) && date.toISOString().startsWith(value);
}

function isInstant(value: unknown): value is string {
  return typeof value === 'string' && /^\d{4}-\d\d-\d\dT[\d:.]+(Z|[+-]\d\d:?\d\d)$/.test(value);
}

function floorDiv(value: bigint, by: bigint): bigint {
  const quotient = value / by;
  return value % by < 0n ? quotient - 1n : quotient;
}
