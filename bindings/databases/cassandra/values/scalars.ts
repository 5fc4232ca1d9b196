/**
 * Single values: how a test reads and writes them. A source gives plain values (text for what JavaScript has no number
 * or date for); a test may write those, or the driver's own classes.
 */
import { types } from 'node:util';
import type cassandra from 'cassandra-driver';
import { Decimal, isDecimal } from '../../../core/decimal.ts';
import { printDuration } from './duration.ts';

type Types = typeof cassandra.types;

export interface Scalar {
  /** What the driver has read, as a test sees it. */
  plain(value: unknown): unknown;
  /** One text for all that mean the same value; undefined for what cannot be one. `value` is plain or a test's. */
  canonical(value: unknown): string | undefined;
  /** For the driver, from a canonical text: where it is missing, gives undefined or throws, memory alone judges. */
  bind?(text: string, types: Types): unknown;
  /** Whether values that are equal have the same bytes, as a partition key needs it. Default: true. */
  hasOneForm?: boolean;
}

const same = (value: unknown) => value;

const text: Scalar = { plain: same, canonical: stringOf, bind: same };
const boolean: Scalar = {
  plain: same,
  canonical: (value) => (typeof value === 'boolean' ? String(value) : undefined),
  bind: (value) => value === 'true',
};

const integer = (min: bigint, max: bigint): Scalar => ({
  plain: same,
  canonical: integerText,
  bind: (value) => inRange(value, min, max, Number),
});
/** A number as long as one holds it exactly, else a bigint. */
const long = (bind: NonNullable<Scalar['bind']>): Scalar => ({
  plain(value) {
    const number = Number(value);
    return Number.isSafeInteger(number) ? number : BigInt(String(value));
  },
  canonical: integerText,
  bind,
});
const bigint = long((value, { Long }) => inRange(value, -(2n ** 63n), 2n ** 63n - 1n, Long.fromString));

const decimal: Scalar = {
  plain: String,
  canonical: decimalText,
  bind: (value, { BigDecimal }) => BigDecimal.fromString(plainDecimal(value)),
  // 1.5 and 1.50 differ in their bytes.
  hasOneForm: false,
};

const double: Scalar = { plain: same, canonical: (value) => floatText(value, same), hasOneForm: false };
const float: Scalar = {
  plain: (value) => shortest(value as number),
  canonical: (value) => floatText(value, (number) => Math.fround(number as number)),
  hasOneForm: false,
};

const uuid: Scalar = {
  plain: String,
  canonical: (value) => matching(stringOf(value)?.toLowerCase(), /^[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}$/),
  bind: (value, { Uuid }) => Uuid.fromString(value),
};

const timeuuid: Scalar = {
  ...uuid,
  // The server refuses to look for one that holds no time.
  bind: (value, { TimeUuid }) => (value[14] === '1' ? TimeUuid.fromString(value) : undefined),
};

const blob: Scalar = {
  plain: same,
  canonical(value) {
    if (types.isUint8Array(value)) return `0x${Buffer.from(value).toString('hex')}`;
    return typeof value === 'string' ? matching(value.toLowerCase(), /^0x([\da-f]{2})*$/) : undefined;
  },
  bind: (value) => Buffer.from(value.slice(2), 'hex'),
};

const timestamp: Scalar = {
  plain: same,
  canonical(value) {
    const isMoment = types.isDate(value) || typeof value === 'number' || isIsoMoment(value);
    const ms = isMoment ? new Date(value as Date | number | string).getTime() : Number.NaN;
    return Number.isNaN(ms) ? undefined : new Date(ms).toISOString();
  },
  bind: (value) => new Date(value),
};

const date: Scalar = {
  plain: String,
  canonical: (value) => matching(stringOf(value), /^-?\d{4,}-\d{2}-\d{2}$/),
  bind: (value, { LocalDate }) => LocalDate.fromString(value),
};

const time: Scalar = {
  plain: (value) => timeText(String(value)),
  canonical: (value) => timeText(stringOf(value)),
  bind: (value, { LocalTime }) => LocalTime.fromString(value),
};

const inet: Scalar = {
  plain: String,
  canonical: (value) => addressText(stringOf(value)),
  bind: (value, { InetAddress }) => InetAddress.fromString(value),
};

const duration: Scalar = { plain: String, canonical: (value) => printDuration(stringOf(value)) };

const unknown: Scalar = { plain: same, canonical: stringOf };

const SCALARS: Readonly<Record<string, Scalar>> = {
  ascii: text,
  text,
  varchar: text,
  boolean,
  tinyint: integer(-128n, 127n),
  smallint: integer(-32768n, 32767n),
  int: integer(-(2n ** 31n), 2n ** 31n - 1n),
  bigint,
  counter: bigint,
  varint: long((value, { Integer }) => Integer.fromString(value)),
  decimal,
  double,
  float,
  uuid,
  timeuuid,
  blob,
  timestamp,
  date,
  time,
  inet,
  duration,
};

export function scalar(name: string): Scalar {
  return SCALARS[name] ?? unknown;
}

/** A text, or what prints as one by a way of its own: the driver's classes. */
function stringOf(value: unknown): string | undefined {
  if (typeof value === 'string') return value;
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined;
  const print = (value as { toString?: unknown }).toString;
  // An object literal, of this realm or another, prints as nothing.
  return typeof print === 'function' && !/^\[object /.test(String(value)) ? String(value) : undefined;
}

function matching(value: string | undefined, pattern: RegExp): string | undefined {
  return value !== undefined && pattern.test(value) ? value : undefined;
}

function decimalText(value: unknown): string | undefined {
  const given = typeof value === 'number' || typeof value === 'bigint' || isDecimal(value) ? value : stringOf(value);
  if (given === undefined || (typeof given === 'number' && !Number.isFinite(given))) return undefined;
  let parsed: Decimal;
  try {
    parsed = Decimal.from(given);
  } catch {
    return undefined; // Not a number: equal to none.
  }
  let { unscaled, scale } = parsed;
  for (; scale > 0 && unscaled % 10n === 0n; scale -= 1) unscaled /= 10n;
  return `${unscaled}e-${scale}`;
}

function plainDecimal(canonical: string): string {
  const [unscaled, scale] = canonical.split('e-') as [string, string];
  return String(new Decimal(BigInt(unscaled), Number(scale)));
}

function integerText(value: unknown): string | undefined {
  const [unscaled, scale] = decimalText(value)?.split('e-') ?? [];
  return scale === '0' ? unscaled : undefined;
}

/** @throws RangeError where no column of the type holds it */
function inRange<T>(value: string, min: bigint, max: bigint, make: (text: string) => T): T {
  const number = BigInt(value);
  if (number < min || number > max) throw new RangeError('No column of this type holds it.');
  return make(value);
}

function floatText(value: unknown, round: (value: unknown) => unknown): string | undefined {
  const number = typeof value === 'bigint' ? Number(value) : value;
  if (typeof number !== 'number') return undefined;
  if (typeof value === 'bigint' && (!Number.isFinite(number) || BigInt(number) !== value)) return undefined;
  // 0 and -0 are equal to a test.
  return String(round(number) === 0 ? 0 : round(number));
}

/** The shortest number that is stored as the same float: 0.1, not 0.10000000149011612. */
function shortest(value: number): number {
  if (!Number.isFinite(value)) return value;
  for (let digits = 6; digits < 9; digits += 1) {
    const candidate = Number(value.toPrecision(digits));
    if (Math.fround(candidate) === value) return candidate;
  }
  return Number(value.toPrecision(9));
}

function isIsoMoment(value: unknown): boolean {
  return typeof value === 'string' && /^\d{4}-\d{2}-\d{2}([T ]\d{2}:\d{2}.*)?$/.test(value);
}

/** `10:00` → `10:00:00`; zeros at the end of a fraction say nothing. */
function timeText(value: string | undefined): string | undefined {
  const [, h, m, s = '00', fraction = ''] = /^(\d{1,2}):(\d{2})(?::(\d{2})(?:\.(\d{1,9}))?)?$/.exec(value ?? '') ?? [];
  if (h === undefined || Number(h) > 23 || Number(m) > 59 || Number(s) > 59) return undefined;
  const part = fraction.replace(/0+$/, '');
  return `${h.padStart(2, '0')}:${m}:${s}${part ? `.${part}` : ''}`;
}

/** One text for each address: `::0001` and `::1` are the same. */
function addressText(value: string | undefined): string | undefined {
  if (value === undefined) return undefined;
  if (/^\d{1,3}(\.\d{1,3}){3}$/.test(value)) return value;
  const host = URL.canParse(`http://[${value}]`) ? new URL(`http://[${value}]`).hostname.slice(1, -1) : undefined;
  const mapped = /^::ffff:([\da-f]{1,4}):([\da-f]{1,4})$/.exec(host ?? '');
  if (!mapped) return host;
  const [high, low] = [Number.parseInt(mapped[1]!, 16), Number.parseInt(mapped[2]!, 16)];
  return [high >> 8, high & 255, low >> 8, low & 255].join('.');
}
