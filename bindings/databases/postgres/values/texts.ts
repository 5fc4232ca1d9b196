/** Text, and every type that is compared as the server prints it. */
import { type Bind, type Codec, type Scalar, scalarCodec } from './codec.ts';

/** text, varchar, name: byte for byte, whatever the collation says. */
export const text: Codec = {
  parse: (value) => value,
  equal: textEqual,
  scalar: (expected) => textScalar(expected, 'text'),
  where: (column, expected, bind) => sameBytes(column, textScalar(expected, 'text'), bind),
};

/** char(n): blanks at the end do not count. */
export const padded: Codec = {
  parse: (value) => value,
  equal: paddedEqual,
  scalar: (expected) => textScalar(expected, 'bpchar'),
  where: (column, expected, bind) => sameBytes(column, textScalar(expected, 'bpchar'), bind),
};

/** The same where the column's collation is known to compare bytes: one comparison, which costs the server less. */
export function ofDeterministicCollation(codec: Codec): Codec {
  return codec === text ? exactText : codec === padded ? exactPadded : codec;
}

const exactText: Codec = scalarCodec({ ...text, equal: textEqual, scalar: (expected) => textScalar(expected, 'text') });
const exactPadded: Codec = scalarCodec({
  ...padded,
  equal: paddedEqual,
  scalar: (expected) => textScalar(expected, 'bpchar'),
});

/** As printed: inet, ranges, bit, money, time, xml, tsvector, and types that nobody here knows. */
export const printed: Codec = {
  parse: (value) => value,
  equal: (actual, expected) => actual === expected,
  where(column, expected, bind) {
    const scalar = textScalar(expected, 'text');
    // format() prints null as an empty text.
    return scalar === 'never'
      ? 'false'
      : `(${column} is not null and format('%s', ${column}) = ${bind(scalar.text, scalar.type)})`;
  },
};

/** A label that is known is compared as itself, which an index can serve. */
export function enumeration(type: string, labels: readonly string[]): Codec {
  return {
    ...printed,
    where: (column, expected, bind) =>
      labels.includes(expected as string)
        ? `${column} = ${bind(expected as string, type)}`
        : printed.where?.(column, expected, bind),
  };
}

export const boolean: Codec = scalarCodec({
  parse: (value) => value === 't',
  equal: (actual, expected) => actual === expected,
  scalar: (expected) => (typeof expected === 'boolean' ? { text: String(expected), type: 'bool' } : 'never'),
});

/** In any case and with or without hyphens, as the server reads it. */
export const uuid: Codec = scalarCodec({
  parse: (value) => value,
  equal: (actual, expected) => canonicalUuid(expected) === actual,
  scalar(expected) {
    const canonical = canonicalUuid(expected);
    return canonical === undefined ? 'never' : { text: canonical, type: 'uuid' };
  },
});

export const bytea: Codec = {
  parse: parseBytes,
  equal: (actual, expected) => isBytes(expected) && Buffer.compare(actual as Buffer, expected) === 0,
  where: (column, expected, bind) =>
    isBytes(expected) ? `${column} = ${bind(`\\x${asBuffer(expected).toString('hex')}`, 'bytea')}` : 'false',
};

function textScalar(expected: unknown, type: string): Exclude<Scalar, undefined> {
  // No text of the server holds a zero byte or half a surrogate pair, and it refuses or replaces them.
  const fits = typeof expected === 'string' && !expected.includes('\0') && isWellFormed(expected);
  return fits ? { text: expected, type } : 'never';
}

/** No half of a surrogate pair by itself. The quick look first: almost no text has any. */
export function isWellFormed(value: string): boolean {
  return !/[\ud800-\udfff]/.test(value) || !/\p{Surrogate}/u.test(value);
}

/** The first comparison may use an index; the second is exact where the column's collation is not. */
function sameBytes(column: string, scalar: Scalar, bind: Bind): string {
  if (scalar === 'never') return 'false';
  const value = bind(scalar.text, scalar.type);
  return `(${column} = ${value} and ${column} collate "C" = ${value})`;
}

function textEqual(actual: unknown, expected: unknown): boolean {
  return actual === expected;
}

function paddedEqual(actual: unknown, expected: unknown): boolean {
  return typeof expected === 'string' && unpadded(actual as string) === unpadded(expected);
}

function unpadded(value: string): string {
  return value.replace(/ +$/, '');
}

function canonicalUuid(value: unknown): string | undefined {
  if (typeof value !== 'string') return undefined;
  const hex = value
    .replace(/^\{(.*)\}$/, '$1')
    .replaceAll('-', '')
    .toLowerCase();
  if (!/^[0-9a-f]{32}$/.test(hex)) return undefined;
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
}

function isBytes(value: unknown): value is Uint8Array {
  // Not instanceof: a test's own realm has its own Uint8Array.
  return Object.prototype.toString.call(value) === '[object Uint8Array]';
}

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

function parseBytes(value: string): Buffer {
  if (value.startsWith('\\x')) return Buffer.from(value.slice(2), 'hex');
  // `bytea_output = escape`: octal for what is not printable, a doubled backslash for itself.
  const latin = value.replace(/\\(\\|[0-7]{3})/g, (_, code: string) =>
    code === '\\' ? code : String.fromCharCode(Number.parseInt(code, 8)),
  );
  return Buffer.from(latin, 'latin1');
}
