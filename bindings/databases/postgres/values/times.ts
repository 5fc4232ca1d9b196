/**
 * Points in time. A Date equals a timestamp cut to milliseconds. `timestamp without time zone` is read and compared
 * in the time zone of the process that runs the tests, as the driver reads and writes it. `date` is text.
 */
import { types } from 'node:util';
import { type Bind, type Codec, scalarCodec } from './codec.ts';
import { printed } from './texts.ts';

const HOUR = 3_600_000;
/** The server's calendar begins on 24 November 4714 BC. */
const EARLIEST = Date.UTC(-4713, 10, 24);

export const timestamptz: Codec = {
  parse: parseTimestamp,
  equal: sameInstant,
  where: (column, expected, bind) => whereInstant(column, expected, 'timestamptz', utcText, bind),
};

export const timestamp: Codec = {
  parse: parseTimestamp,
  equal: sameInstant,
  where: (column, expected, bind) =>
    isClockChange(expected) ? undefined : whereInstant(column, expected, 'timestamp', localText, bind),
};

/** 'YYYY-MM-DD': a Date would depend on the time zone. */
export const date: Codec = {
  ...scalarCodec({
    parse: (text) => text,
    equal: (actual, expected) => actual === expected,
    scalar: () => undefined,
  }),
  where: (column, expected, bind) =>
    isPlainDate(expected) ? `${column} = ${bind(expected, 'date')}` : printed.where?.(column, expected, bind),
};

function isPlainDate(value: unknown): value is string {
  if (typeof value !== 'string' || !/^\d{4}-\d\d-\d\d$/.test(value) || value.startsWith('0000')) return false;
  const parsed = new Date(`${value}T00:00:00Z`);
  return !Number.isNaN(parsed.getTime()) && parsed.toISOString().startsWith(value);
}

function sameInstant(actual: unknown, expected: unknown): boolean {
  if (types.isDate(actual) && types.isDate(expected)) return actual.getTime() === expected.getTime();
  return (actual === Infinity || actual === -Infinity) && actual === expected;
}

function whereInstant(
  column: string,
  expected: unknown,
  type: string,
  print: (date: Date) => string,
  bind: Bind,
): string | undefined {
  if (expected === Infinity || expected === -Infinity) {
    return `${column} = ${bind(expected > 0 ? 'infinity' : '-infinity', type)}`;
  }
  if (!types.isDate(expected) || Number.isNaN(expected.getTime()) || expected.getTime() < EARLIEST) return 'false';
  const value = bind(print(expected), type);
  return `(${column} >= ${value} and ${column} < ${value} + interval '1 millisecond')`;
}

/** Around a change of the clocks two texts may mean one Date, or one text two Dates: memory alone judges there. */
function isClockChange(expected: unknown): boolean {
  if (!types.isDate(expected)) return false;
  const at = (ms: number) => new Date(expected.getTime() + ms).getTimezoneOffset();
  return at(-3 * HOUR) !== at(3 * HOUR);
}

export function utcText(date: Date): string {
  return `${clockText(
    date.getUTCFullYear(),
    [date.getUTCMonth() + 1, date.getUTCDate()],
    [date.getUTCHours(), date.getUTCMinutes(), date.getUTCSeconds()],
    date.getUTCMilliseconds(),
    '+00',
  )}`;
}

export function localText(date: Date): string {
  return clockText(
    date.getFullYear(),
    [date.getMonth() + 1, date.getDate()],
    [date.getHours(), date.getMinutes(), date.getSeconds()],
    date.getMilliseconds(),
    '',
  );
}

/** Years before 1 are written with BC; there is no year 0. */
function clockText(year: number, day: number[], time: number[], ms: number, zone: string): string {
  const pad = (n: number, length = 2) => String(n).padStart(length, '0');
  const calendar = [pad(year > 0 ? year : 1 - year, 4), ...day.map((n) => pad(n))].join('-');
  return `${calendar} ${time.map((n) => pad(n)).join(':')}.${pad(ms, 3)}${zone}${year > 0 ? '' : ' BC'}`;
}

const TIMESTAMP =
  /^(\d{4,})-(\d\d)-(\d\d) (\d\d):(\d\d):(\d\d)(?:\.(\d+))?(?:([+-])(\d\d)(?::(\d\d))?(?::(\d\d))?)?( BC)?$/;

/** A Date; Infinity; the text itself where no Date can hold it. */
function parseTimestamp(text: string): unknown {
  if (text === 'infinity') return Infinity;
  if (text === '-infinity') return -Infinity;
  const parts = TIMESTAMP.exec(text);
  if (!parts) return text;
  const [, years, month, day, hour, minute, second, fraction = '', sign, zoneHour, zoneMinute, zoneSecond, bc] = parts;
  const year = bc ? 1 - Number(years) : Number(years);
  const ms = Number(fraction.padEnd(3, '0').slice(0, 3));
  const result = new Date(0);
  if (sign === undefined) {
    result.setFullYear(year, Number(month) - 1, Number(day));
    result.setHours(Number(hour), Number(minute), Number(second), ms);
  } else {
    result.setUTCFullYear(year, Number(month) - 1, Number(day));
    const offset = Number(zoneHour) * 3600 + Number(zoneMinute ?? 0) * 60 + Number(zoneSecond ?? 0);
    result.setUTCHours(Number(hour), Number(minute), Number(second) - (sign === '-' ? -offset : offset), ms);
  }
  return Number.isNaN(result.getTime()) ? text : result;
}
