/** SQL to look for oneself: plain and readable, with its values in place. */
import { types } from 'node:util';
import type { Expected } from '../../core/source.ts';
import { QUOTED_OR_PLACEHOLDER } from './fragment.ts';
import { readableName } from './names.ts';
import type { Shape } from './shape.ts';
import { isAsymmetric } from './values/codec.ts';
import { toIntervalText } from './values/interval.ts';
import { localText, timestamp, utcText } from './values/times.ts';

export function command(from: string, expected: Expected, shape: Shape | undefined): string {
  const parts = Object.entries(expected).flatMap(([name, value]) => {
    const part = readablePart(readableName(name), value, shape?.byName.get(name)?.type);
    return part === undefined ? [] : [part];
  });
  return `select * from ${from}${parts.length > 0 ? ` where ${parts.join(' and ')}` : ''};`;
}

/** The user's own query, with its parameters written in their places. */
export function withValues(sql: string, values: readonly unknown[]): string {
  return sql.replace(QUOTED_OR_PLACEHOLDER, (all, n) => (n === undefined ? all : literal(values[Number(n) - 1])));
}

function readablePart(
  name: string,
  value: unknown,
  type: Shape['columns'][number]['type'] | undefined,
): string | undefined {
  if (value === undefined || isAsymmetric(value)) return undefined;
  if (value === null) return `${name} is null`;
  if (types.isDate(value)) {
    const text = type?.codec === timestamp ? localText(value) : utcText(value);
    return `date_trunc('milliseconds', ${name}) = ${quote(text)}`;
  }
  if (type?.name === 'json') return undefined;
  if (type?.name === 'jsonb' && typeof value !== 'object') return `${name} = ${quote(JSON.stringify(value))}`;
  if (type?.name === 'interval')
    return `${name} = ${quote(typeof value === 'string' ? value : (toIntervalText(value) ?? ''))}`;
  if (isPlain(value)) {
    return type === undefined || type.name === 'jsonb' ? `${name} @> ${quote(document(value))}` : undefined;
  }
  return `${name} = ${literal(value)}`;
}

function literal(value: unknown): string {
  if (value === null || value === undefined) return 'null';
  if (typeof value === 'number' && Number.isFinite(value)) return String(value);
  if (typeof value === 'boolean' || typeof value === 'bigint') return String(value);
  if (types.isDate(value)) return quote(utcText(value));
  if (types.isUint8Array(value)) return quote(`\\x${Buffer.from(value).toString('hex')}`);
  if (Array.isArray(value)) return `array[${value.map(literal).join(', ')}]`;
  return quote(typeof value === 'object' ? document(value) : String(value));
}

function quote(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}

function document(value: unknown): string {
  return JSON.stringify(value, (_, part) =>
    isAsymmetric(part) ? undefined : typeof part === 'bigint' ? Number(part) : part,
  );
}

function isPlain(value: unknown): boolean {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !types.isUint8Array(value);
}
