/** Names of tables and columns: how a test may write them, and how SQL must. */
import { QaError } from '../../core/errors.ts';

/** Keywords that PostgreSQL takes as a name only in quotes. */
const RESERVED = new Set(
  (
    'all analyse analyze and any array as asc asymmetric both case cast check collate column constraint create ' +
    'current_catalog current_date current_role current_time current_timestamp current_user default deferrable desc ' +
    'distinct do else end except false fetch for foreign from grant group having in initially intersect into lateral ' +
    'leading limit localtime localtimestamp not null offset on only or order placing primary references returning ' +
    'select session_user some symmetric system_user table then to trailing true union unique user using variadic ' +
    'when where window with authorization binary collation concurrently cross current_schema freeze full ilike inner ' +
    'is isnull join left like natural notnull outer overlaps right similar tablesample verbose'
  ).split(' '),
);

export function quoteName(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

/** In quotes only where it needs them: for people to read. */
export function readableName(name: string): string {
  return /^[a-z_][a-z0-9_$]*$/.test(name) && !RESERVED.has(name) ? name : quoteName(name);
}

export interface TableName {
  schema: string | undefined;
  name: string;
  /** Written in quotes: only the exact spelling is meant. */
  isExact: boolean;
}

/**
 * `orders`, `audit.Log`, `"we.ird"`.
 *
 * @throws QaError QA_MISUSE
 */
export function parseTableName(written: string, connection: string): TableName {
  const parts = [...written.matchAll(/\s*(?:"((?:[^"]|"")+)"|([^".\s][^".]*?))\s*(\.|$)/gy)];
  const isComplete = parts.reduce((length, part) => length + part[0].length, 0) === written.length;
  if (!isComplete || parts.length === 0 || parts.length > 2 || parts.at(-1)![3] !== '') {
    throw new QaError('QA_MISUSE', {
      what: `\`${written}\` is not the name of a table`,
      mend: 'Write `orders`, `schema.orders`, or in quotes what holds dots: `"odd.name"`',
      connection,
    });
  }
  const names = parts.map((part) => part[1]?.replaceAll('""', '"') ?? part[2]!);
  return { schema: names.at(-2), name: names.at(-1)!, isExact: parts.every((part) => part[1] !== undefined) };
}
