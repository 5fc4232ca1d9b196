/** Values as JSON that the server reads as a column's type: whatever a test writes, and the driver's classes. */
import { entriesOf, itemsOf } from './nested.ts';
import { scalar } from './scalars.ts';
import type { Type } from './type.ts';

/** For `insert … json`; an undefined part is null. */
export function jsonOf(type: Type, value: unknown): unknown {
  if (value === null || value === undefined) return null;
  switch (type.kind) {
    case 'scalar':
      return jsonScalar(type.name, value);
    case 'list':
    case 'set':
    case 'vector':
      return itemsOf(value).map((item) => jsonOf(type.of, item));
    case 'tuple':
      return itemsOf(value).map((item, index) => jsonOf(type.of[index] ?? UNKNOWN, item));
    case 'map':
      return Object.fromEntries(entriesOf(value).map(([k, v]) => [keyOf(type.key, k), jsonOf(type.value, v)]));
    case 'udt': {
      const known = new Map(type.fields.map((field) => [field.name, field.type]));
      return Object.fromEntries(
        Object.entries(value)
          .filter(([, part]) => part !== undefined)
          .map(([name, part]) => [jsonName(name), jsonOf(known.get(name) ?? UNKNOWN, part)]),
      );
    }
  }
}

/** JSON's names of columns and fields are read as CQL's: without quotes in lower case. */
export function jsonName(name: string): string {
  return /^[a-z_][a-z0-9_]*$/.test(name) ? name : `"${name.replaceAll('"', '""')}"`;
}

const UNKNOWN: Type = { kind: 'scalar', name: 'unknown' };

function keyOf(type: Type, key: unknown): string {
  const json = jsonOf(type, key);
  return typeof json === 'string' ? json : JSON.stringify(json);
}

/** Numbers travel as text: none is rounded. What is no value of the type is left to the server's own error. */
function jsonScalar(name: string, value: unknown): unknown {
  if (name === 'boolean') return value;
  if (name === 'double' || name === 'float') return typeof value === 'number' ? String(value) : value;
  const isNumber = typeof value === 'number' || typeof value === 'bigint';
  if (name === 'decimal' || name === 'varint') return isNumber ? String(value) : textOf(value);
  const text = scalar(name).canonical(value);
  if (text !== undefined) return text;
  return isNumber ? String(value) : textOf(value);
}

function textOf(value: unknown): unknown {
  return typeof value === 'object' ? String(value) : value;
}
