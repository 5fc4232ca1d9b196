/** Arrays, element by element, and composite types, as objects that are partial as every other one. */
import { quoteName } from '../names.ts';
import { type Codec, isAsymmetric } from './codec.ts';
import { parseArray, parseComposite, printArray } from './literals.ts';

/** An array, of any number of dimensions, as nested lists. */
export function array(element: Codec, delimiter = ','): Codec {
  return {
    parse: (text) => parseArray(text, delimiter, element.parse),
    equal: (actual, expected) => sameList(element, actual, expected),
    where(column, expected, bind) {
      if (!Array.isArray(expected)) return 'false';
      if (expected.length === 0) return `cardinality(${column}) = 0`;
      let type: string | undefined;
      const texts: (string | null)[] = [];
      for (const item of expected) {
        if (item === null) texts.push(null);
        else {
          const scalar = isAsymmetric(item) || Array.isArray(item) ? undefined : element.scalar?.(item);
          if (scalar === undefined) return undefined;
          if (scalar === 'never') return 'false';
          type = scalar.type;
          texts.push(scalar.text);
        }
      }
      if (type === undefined) return undefined;
      // Unnested, because the bounds of an array count for `=` but not for a test.
      const collation = type === 'text' || type === 'bpchar' ? ' collate "C"' : '';
      // Cast, because arrays of a domain have no `=`.
      const list = `array(select unnest(${column})::${type}${collation})`;
      return `(array_ndims(${column}) = 1 and ${list} = ${bind(printArray(texts), `${type}[]`)})`;
    },
  };
}

export function composite(attributes: readonly { name: string; codec: Codec }[]): Codec {
  return {
    parse(text) {
      const texts = parseComposite(text);
      return Object.fromEntries(
        attributes.map(({ name, codec }, i) => [name, texts[i] == null ? null : codec.parse(texts[i])]),
      );
    },
    equal(actual, expected) {
      if (!isObject(expected)) return false;
      let isSure = true;
      for (const [name, wanted] of Object.entries(expected)) {
        const attribute = attributes.find((a) => a.name === name);
        if (!attribute) return false;
        const verdict = same(attribute.codec, (actual as Record<string, unknown>)[name], wanted);
        if (verdict === false) return false;
        if (verdict === undefined) isSure = false;
      }
      return isSure ? true : undefined;
    },
    whereNull: (column) => `${column} is not distinct from null`,
    where(column, expected, bind) {
      if (!isObject(expected)) return 'false';
      const parts = [`${column} is distinct from null`];
      for (const [name, wanted] of Object.entries(expected)) {
        const attribute = attributes.find((a) => a.name === name);
        if (!attribute) return 'false';
        const field = `(${column}).${quoteName(name)}`;
        if (wanted === null) parts.push(nullPart(attribute.codec, field));
        else {
          const part =
            wanted === undefined || isAsymmetric(wanted) ? undefined : attribute.codec.where?.(field, wanted, bind);
          if (part === undefined) return undefined;
          parts.push(part);
        }
      }
      return `(${parts.join(' and ')})`;
    },
  };
}

/** SQL for *a test reads null here*. */
export function nullPart(codec: Codec, column: string): string {
  return codec.whereNull?.(column) ?? `${column} is null`;
}

/** With nulls and asymmetric matchers, which codecs are never asked about. */
export function same(codec: Codec, actual: unknown, expected: unknown): boolean | undefined {
  if (isAsymmetric(expected)) return expected.asymmetricMatch(actual);
  if (actual === null || actual === undefined || expected === null) return actual === expected;
  return expected === undefined ? false : codec.equal(actual, expected);
}

function sameList(element: Codec, actual: unknown, expected: unknown): boolean | undefined {
  if (!Array.isArray(actual) || !Array.isArray(expected) || actual.length !== expected.length) return false;
  let isSure = true;
  for (const [i, item] of expected.entries()) {
    const isNested = Array.isArray(actual[i]) && !isAsymmetric(item);
    const verdict = isNested ? sameList(element, actual[i], item) : same(element, actual[i], item);
    if (verdict === false) return false;
    if (verdict === undefined) isSure = false;
  }
  return isSure ? true : undefined;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
