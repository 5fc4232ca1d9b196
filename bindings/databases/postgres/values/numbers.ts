/** Numbers: 42, 42n and numeric 42.00 are equal; numeric and bigint take their text too. */
import { type Scalar, scalarCodec } from './codec.ts';

/** Longer texts or exponents are left to memory: the server may refuse them. */
const LONGEST = 1000;

export function integer(type: 'int2' | 'int4' | 'oid', min: bigint, max: bigint) {
  return scalarCodec({
    parse: Number,
    equal: (actual, expected) => asInteger(expected) === BigInt(actual as number),
    scalar: (expected) => integerScalar(asInteger(expected), type, min, max),
  });
}

/** Read as text, as the driver does: a number cannot hold it. */
export const int8 = scalarCodec({
  parse: (text) => text,
  equal: (actual, expected) => asInteger(fromText(expected)) === BigInt(actual as string),
  scalar: (expected) => integerScalar(asInteger(fromText(expected)), 'int8', -(2n ** 63n), 2n ** 63n - 1n),
});

export const numeric = scalarCodec({
  parse: (text) => text,
  equal: (actual, expected) => decimal(expected) !== undefined && decimal(expected) === decimal(actual),
  scalar(expected) {
    if (decimal(expected) === undefined) return 'never';
    const text = String(expected);
    const exponent = Number(/e([+-]?\d+)$/i.exec(text)?.[1] ?? 0);
    return text.length > LONGEST || Math.abs(exponent) > LONGEST ? undefined : { text, type: 'numeric' };
  },
});

export const float8 = scalarCodec({
  parse: Number.parseFloat,
  equal: (actual, expected) => sameFloat(actual, asDouble(expected)),
  scalar: (expected) => floatScalar(asDouble(expected), 'float8'),
});

export const float4 = scalarCodec({
  parse: (text) => Number.parseFloat(text),
  equal: (actual, expected) => sameFloat(Math.fround(actual as number), asSingle(expected)),
  scalar: (expected) => floatScalar(asSingle(expected), 'float4'),
});

/** One text for each number: `42`, `42.00`, `4.2e1` are the same. undefined for what is no number. */
function decimal(value: unknown): string | undefined {
  if (typeof value !== 'number' && typeof value !== 'bigint' && typeof value !== 'string') return undefined;
  const text = String(value);
  if (text === 'NaN' || text === 'Infinity' || text === '-Infinity') return text;
  const parts = /^([+-]?)(\d*)(?:\.(\d*))?(?:e([+-]?\d{1,6}))?$/i.exec(text);
  if (!parts || `${parts[2]}${parts[3] ?? ''}` === '') return undefined;
  const [, sign, whole = '', fraction = '', exponent = '0'] = parts;
  const digits = `${whole}${fraction}`.replace(/^0+/, '');
  if (digits === '') return '0';
  const significant = digits.replace(/0+$/, '');
  const power = Number(exponent) - fraction.length + (digits.length - significant.length);
  return `${sign === '-' ? '-' : ''}${significant}e${power}`;
}

function asInteger(value: unknown): bigint | undefined {
  if (typeof value === 'bigint') return value;
  return typeof value === 'number' && Number.isInteger(value) ? BigInt(value) : undefined;
}

/** `'42.00'` → 42n; what is no text stays as it is. */
function fromText(value: unknown): unknown {
  if (typeof value !== 'string') return value;
  const [, digits, power] = /^(-?\d+)e(-?\d+)$/.exec(decimal(value) ?? '') ?? [];
  if (digits === undefined) return decimal(value) === '0' ? 0n : undefined;
  // More than 20 digits are beyond any bigint column.
  return Number(power) < 0 || Number(power) > 20 ? undefined : BigInt(digits) * 10n ** BigInt(power!);
}

function integerScalar(value: bigint | undefined, type: string, min: bigint, max: bigint): Scalar {
  return value === undefined || value < min || value > max ? 'never' : { text: String(value), type };
}

function asDouble(value: unknown): number | undefined {
  if (typeof value === 'number') return value;
  if (typeof value !== 'bigint') return undefined;
  const double = Number(value);
  return Number.isFinite(double) && BigInt(double) === value ? double : undefined;
}

function asSingle(value: unknown): number | undefined {
  const double = asDouble(value);
  return double === undefined ? undefined : Math.fround(double);
}

/** PostgreSQL says that NaN equals NaN and 0 equals -0. */
function sameFloat(actual: unknown, expected: number | undefined): boolean {
  return actual === expected || (Number.isNaN(actual) && Number.isNaN(expected));
}

function floatScalar(value: number | undefined, type: string): Scalar {
  return value === undefined ? 'never' : { text: String(value), type };
}
