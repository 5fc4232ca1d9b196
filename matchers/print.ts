/** Values on one line, as one would write them in a test; secrets hidden, then cut where they are long. */
import { inspect, types } from 'node:util';
import { HIDDEN } from '../bindings/core/redact.ts';
import { shared } from '../bindings/core/shared.ts';
import { ABSENT, isAsymmetric, isPlainObject } from './judge.ts';

/** Longest value within a line, characters. */
const LONGEST = 160;

export function print(value: unknown, longest = LONGEST): string {
  if (value === ABSENT) return '(no such key)';
  return cut(hide(inspected(value, longest)), longest);
}

/** Without its secrets. Always before a text is cut: half of one would not be known as one. */
export function hide(text: string): string {
  return shared().runtime?.redact(text) ?? text;
}

/** Two values that differ: long strings are shown around the first difference. */
export function printPair(expected: unknown, actual: unknown): [string, string] {
  if (typeof expected !== 'string' || typeof actual !== 'string') return [print(expected), print(actual)];
  const [wanted, got] = [hide(expected), hide(actual)];
  if (Math.max(wanted.length, got.length) <= LONGEST || wanted === got) return [print(wanted), print(got)];
  let same = 0;
  while (same < wanted.length && wanted[same] === got[same]) same += 1;
  const from = Math.max(0, same - 40);
  const around = (text: string) =>
    `${from > 0 ? '…' : ''}${print(text.slice(from, from + LONGEST - 20))}${from + LONGEST - 20 < text.length ? '…' : ''} (${text.length} characters)`;
  return [around(wanted), around(got)];
}

/** `5.0 s`, `320 ms` */
export function printMs(ms: number): string {
  return ms < 1000 ? `${Math.round(ms)} ms` : `${(ms / 1000).toFixed(1)} s`;
}

/** `1,204` */
export function printCount(count: number): string {
  return String(count).replace(/\B(?=(\d{3})+$)/g, ',');
}

/** `1 row`, `1,204 rows` */
export function plural(count: number, word: string, words = `${word}s`): string {
  return `${printCount(count)} ${count === 1 ? word : words}`;
}

export function cut(text: string, longest: number): string {
  return text.length <= longest ? text : `${text.slice(0, longest - 1)}…`;
}

function inspected(value: unknown, longest: number): string {
  return inspect(readable(value, 0, longest), {
    breakLength: Number.POSITIVE_INFINITY,
    compact: true,
    depth: 6,
    maxArrayLength: 20,
    maxStringLength: longest,
    colors: false,
    customInspect: true,
  });
}

/** Asymmetric matchers by their names, bytes as hex. */
function readable(value: unknown, depth: number, longest: number): unknown {
  if (isAsymmetric(value)) {
    const name = value.toAsymmetricMatcher?.() ?? String(value);
    // `StringContaining` alone says too little; runners print its sample beside it.
    const sample =
      name.includes('<') || !('sample' in value) || value.sample === undefined
        ? ''
        : `(${inspected(value.sample, longest)})`;
    return { [inspect.custom]: () => name + sample };
  }
  if (types.isUint8Array(value)) {
    const bytes = Buffer.from(value);
    const isSecret = [bytes.toString(), bytes.toString('hex')].some((text) => hide(text) !== text);
    const hex = isSecret ? HIDDEN : cut(bytes.toString('hex'), 49);
    return { [inspect.custom]: () => `bytes ${hex} (${value.length})` };
  }
  if (typeof value === 'string') return hide(value);
  if (depth > 6) return value;
  if (Array.isArray(value)) return value.slice(0, 21).map((item) => readable(item, depth + 1, longest));
  if (!isPlainObject(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, readable(item, depth + 1, longest)]));
}
