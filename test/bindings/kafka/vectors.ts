/** The committed vectors, with what JSON lacks untagged. */
import { readFileSync } from 'node:fs';
import { Decimal } from '../../../bindings/core/decimal.ts';

export const vectorsDir: string = new URL('../../vectors/', import.meta.url).pathname;

export function vectors<T>(name: string): T {
  return JSON.parse(readFileSync(`${vectorsDir}${name}.json`, 'utf8'), (_, value) => untag(value));
}

function untag(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value;
  const [[tag, content] = []] = Object.entries(value);
  if (tag === '$date') return new Date(content);
  if (tag === '$decimal') return Decimal.from(content);
  if (tag === '$big') return BigInt(content);
  if (tag === '$hex') return Buffer.from(content, 'hex');
  return value;
}
