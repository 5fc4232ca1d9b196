/** Names of tables and columns: how a test may write them, and how CQL must. */
import { QaError } from '../../core/errors.ts';

/** Keywords that CQL takes as a name only in quotes. */
const RESERVED = new Set(
  (
    'add allow alter and apply asc authorize batch begin by columnfamily create default delete desc describe drop ' +
    'entries execute from full grant if in index infinity insert into is keyspace limit materialized modify nan ' +
    'norecursive not null of on or order primary rename replace revoke schema select set table to token truncate ' +
    'unlogged unset update use using view where with'
  ).split(' '),
);

export function quoteName(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

/** In quotes only where it needs them: for people to read. */
export function readableName(name: string): string {
  return /^[a-z][a-z0-9_]*$/.test(name) && !RESERVED.has(name) ? name : quoteName(name);
}

export interface TableName {
  keyspace: string | undefined;
  name: string;
  /** Written in quotes: only the exact spelling is meant. */
  isExact: boolean;
}

/**
 * `orders`, `shop.orders`, `"Odd"`.
 *
 * @throws QaError QA_MISUSE
 */
export function parseTableName(written: string, connection: string): TableName {
  const [all, quotedFirst, first, quotedSecond, second] =
    /^(?:"((?:[^"]|"")+)"|(\w+))(?:\.(?:"((?:[^"]|"")+)"|(\w+)))?$/.exec(String(written).trim()) ?? [];
  if (all === undefined) {
    throw new QaError('QA_MISUSE', {
      what: `\`${written}\` is not the name of a table`,
      mend: 'Write `orders` or `keyspace.orders`, and in quotes what was made with quotes: `"Orders"`',
      connection,
    });
  }
  const names = [quotedFirst?.replaceAll('""', '"') ?? first, quotedSecond?.replaceAll('""', '"') ?? second];
  const [keyspace, name] = names[1] === undefined ? [undefined, names[0]!] : [names[0], names[1]];
  return { keyspace, name, isExact: (names[1] === undefined ? quotedFirst : quotedSecond) !== undefined };
}
