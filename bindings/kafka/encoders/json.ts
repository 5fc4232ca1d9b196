import { types } from 'node:util';
import { at, Mismatch } from '../mismatch.ts';

/** JSON text of a value; what JSON would lose in silence (NaN, functions, a bigint) is refused, with its path. */
export function encodeJson(value: unknown, path: string): Buffer {
  refuse(value, path, []);
  const text = JSON.stringify(value);
  if (text === undefined) throw new Mismatch(path, 'a JSON value', value);
  return Buffer.from(text, 'utf8');
}

function refuse(value: unknown, path: string, above: readonly object[]): void {
  if (typeof value === 'number' && !Number.isFinite(value)) throw new Mismatch(path, 'a number that JSON has', value);
  if (typeof value === 'bigint') throw new Mismatch(path, 'a number or a text (JSON has no bigint)', value);
  if (typeof value === 'function' || typeof value === 'symbol') throw new Mismatch(path, 'a JSON value', value);
  if (types.isMap(value) || types.isSet(value))
    throw new Mismatch(path, 'an object or a list (JSON has no Map, no Set)', value);
  if (types.isUint8Array(value)) throw new Mismatch(path, 'a JSON value (bytes could go as a base64 text)', value);
  if (typeof value !== 'object' || value === null) return;
  // What has a form of its own for JSON (Date, Decimal) answers for itself.
  if (typeof (value as { toJSON?: unknown }).toJSON === 'function') return;
  if (above.includes(value)) throw new Mismatch(path, 'a value that does not hold itself', value);
  const inside = [...above, value];
  if (Array.isArray(value)) {
    for (const [i, item] of value.entries()) refuse(item, at(path, i), inside);
  } else {
    for (const [key, item] of Object.entries(value)) refuse(item, at(path, key), inside);
  }
}
