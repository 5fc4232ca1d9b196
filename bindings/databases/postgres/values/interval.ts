/**
 * Intervals: read as an object like the driver's (`{ days: 1, hours: 2 }`), compared with an object or a text.
 * As in the server a month has 30 days and a day 24 hours.
 */
import { type Codec, holdsAsymmetric } from './codec.ts';

export interface Interval {
  years?: number;
  months?: number;
  days?: number;
  hours?: number;
  minutes?: number;
  seconds?: number;
  milliseconds?: number;
}

interface Span {
  months: number;
  days: number;
  micros: number;
}

const MICROS: Readonly<Record<string, number>> = {
  hour: 3_600_000_000,
  hr: 3_600_000_000,
  h: 3_600_000_000,
  minute: 60_000_000,
  min: 60_000_000,
  m: 60_000_000,
  second: 1_000_000,
  sec: 1_000_000,
  s: 1_000_000,
  millisecond: 1000,
  ms: 1000,
  microsecond: 1,
  us: 1,
};
const DAYS: Readonly<Record<string, number>> = { week: 7, w: 7, day: 1, d: 1 };
const MONTHS: Readonly<Record<string, number>> = { year: 12, yr: 12, y: 12, month: 1, mon: 1 };

export const interval: Codec = {
  parse(text) {
    if (text === 'infinity') return Infinity;
    if (text === '-infinity') return -Infinity;
    const span = fromText(text);
    return span ? toObject(span) : text;
  },
  equal(actual, expected) {
    if (typeof actual === 'number') return actual === expected;
    if (holdsAsymmetric(expected)) return undefined;
    const [a, b] = [toSpan(actual), toSpan(expected)];
    return a !== undefined && b !== undefined && total(a) === total(b);
  },
  where(column, expected, bind) {
    if (typeof expected === 'number' || holdsAsymmetric(expected)) return undefined;
    const span = toSpan(expected);
    if (!span) return 'false';
    return total(span) > 2n ** 53n ? undefined : `${column} = ${bind(intervalText(span), 'interval')}`;
  },
};

/** As the server reads it; undefined for what is no interval. */
export function toIntervalText(value: unknown): string | undefined {
  const span = toSpan(value);
  return span && intervalText(span);
}

/** Every field has its sign, so that the server's IntervalStyle does not change the meaning. */
function intervalText({ months, days, micros }: Span): string {
  const signed = (n: number) => (n < 0 ? `${n}` : `+${n}`);
  const seconds = Math.trunc(micros / 1e6);
  const rest = micros - seconds * 1e6;
  const sign = micros < 0 ? '-' : '+';
  const pad = (n: number, length: number) => String(Math.abs(n)).padStart(length, '0');
  const clock = `${pad(Math.trunc(seconds / 3600), 2)}:${pad(Math.trunc(seconds / 60) % 60, 2)}:${pad(seconds % 60, 2)}`;
  return `${signed(months)} mons ${signed(days)} days ${sign}${clock}.${pad(rest, 6)}`;
}

function total({ months, days, micros }: Span): bigint {
  return BigInt(months) * 30n * 86_400_000_000n + BigInt(days) * 86_400_000_000n + BigInt(micros);
}

function toSpan(value: unknown): Span | undefined {
  if (typeof value === 'string') return fromText(value);
  if (typeof value !== 'object' || value === null) return undefined;
  const span = { months: 0, days: 0, micros: 0 };
  for (const [key, amount] of Object.entries(value)) {
    if (typeof amount !== 'number' || !add(span, amount, key)) return undefined;
  }
  return span;
}

/** Texts as the server prints and commonly reads them: `1 year 2 mons 3 days 04:05:06.789`, `2 hours`. */
function fromText(text: string): Span | undefined {
  const span = { months: 0, days: 0, micros: 0 };
  const rest = text.replace(
    /([+-]?\d+(?:\.\d+)?)\s*([a-z]+)|([+-]?)(\d+):(\d\d)(?::(\d\d(?:\.\d{1,6})?))?/gi,
    (all, ...parts) => {
      const [amount, unit, sign, hours, minutes, seconds = '0'] = parts as string[];
      if (unit !== undefined) return add(span, Number(amount), unit) ? '' : all;
      const clock = Number(hours) * 3_600_000_000 + Number(minutes) * 60_000_000 + Math.round(Number(seconds) * 1e6);
      span.micros += sign === '-' ? -clock : clock;
      return '';
    },
  );
  return rest.trim() === '' && text.trim() !== '' && Number.isSafeInteger(span.micros) ? span : undefined;
}

/** Parts of a month or a day are not guessed at. */
function add(span: Span, amount: number, unit: string): boolean {
  const lower = unit.toLowerCase();
  const name = lower.length > 2 ? lower.replace(/s$/, '') : lower;
  if (Object.hasOwn(MICROS, name)) span.micros += Math.round(amount * MICROS[name]!);
  else if (!Number.isInteger(amount)) return false;
  else if (Object.hasOwn(DAYS, name)) span.days += amount * DAYS[name]!;
  else if (Object.hasOwn(MONTHS, name)) span.months += amount * MONTHS[name]!;
  else return false;
  return Number.isSafeInteger(span.micros);
}

function toObject({ months, days, micros }: Span): Interval {
  const seconds = Math.trunc(micros / 1e6);
  const all: Required<Interval> = {
    years: Math.trunc(months / 12),
    months: months % 12,
    days,
    hours: Math.trunc(seconds / 3600),
    minutes: Math.trunc(seconds / 60) % 60,
    seconds: seconds % 60,
    milliseconds: (micros - seconds * 1e6) / 1000,
  };
  return Object.fromEntries(Object.entries(all).filter(([, amount]) => amount !== 0));
}
