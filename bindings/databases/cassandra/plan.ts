/** Which part of an expectation Cassandra can find by itself: the partition key, and a prefix of the clustering key. */
import type cassandra from 'cassandra-driver';
import type { Expected } from '../../core/source.ts';
import { quoteName } from './names.ts';
import type { Column, TableShape } from './shape.ts';
import { isAsymmetric } from './values/nested.ts';
import { scalar } from './values/scalars.ts';

export interface Plan {
  /** ` WHERE …`, or nothing. */
  where: string;
  params: unknown[];
  /** All parts of the expectation that are in `where`. */
  pushed: readonly string[];
  /** Columns of the partition key that are missing: then all of the table has to be read. */
  missing: readonly string[];
}

type Types = typeof cassandra.types;

export function plan(shape: TableShape, parts: Expected, types: Types): Plan {
  const bound = new Map<string, unknown>();
  const bind = (name: string, needsBytes: boolean): boolean => {
    if (!Object.hasOwn(parts, name)) return false;
    const value = driverValue(shape.columns.get(name)!, parts[name], types, needsBytes);
    if (value === undefined) return false;
    bound.set(name, value);
    return true;
  };
  const missing = shape.partition.filter((name) => !bind(name, true));
  if (missing.length > 0) return { where: '', params: [], pushed: [], missing };
  for (const name of shape.clustering) if (!bind(name, false)) break;
  const where = [...bound.keys()].map((name) => `${quoteName(name)} = ?`).join(' AND ');
  return { where: ` WHERE ${where}`, params: [...bound.values()], pushed: [...bound.keys()], missing };
}

/** For the driver, where rows with that value are exactly those that a test means; else undefined. */
function driverValue({ type }: Column, value: unknown, types: Types, needsBytes: boolean): unknown {
  if (type.kind !== 'scalar' || value === null || value === undefined || isAsymmetric(value)) return undefined;
  const { canonical, bind, hasOneForm = true } = scalar(type.name);
  const text = canonical(value);
  if (text === undefined || bind === undefined) return undefined;
  // No partition has an empty key.
  if (needsBytes && (!hasOneForm || text === '' || text === '0x')) return undefined;
  try {
    return bind(text, types);
  } catch {
    return undefined; // No column of the type holds it: memory says so.
  }
}
