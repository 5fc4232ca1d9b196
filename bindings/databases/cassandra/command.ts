/** CQL to look for oneself: plain and readable, with its values in place. */
import type { Expected } from '../../core/source.ts';
import { readableName } from './names.ts';
import type { TableShape } from './shape.ts';
import { isAsymmetric } from './values/nested.ts';
import { scalar } from './values/scalars.ts';

export function command(table: string, expected: Expected, shape: TableShape | undefined): string {
  const parts = Object.entries(expected).flatMap(([name, value]) => {
    const text = shape && literal(shape, name, value);
    return text === undefined ? [] : [[name, `${readableName(name)} = ${text}`] as const];
  });
  if (parts.length === 0) return `select * from ${table};`;
  const names = parts.map(([name]) => name);
  const filtering = isFound(names, shape!) ? '' : ' allow filtering';
  return `select * from ${table} where ${parts.map(([, text]) => text).join(' and ')}${filtering};`;
}

function literal(shape: TableShape, name: string, value: unknown): string | undefined {
  const column = shape.columns.get(name);
  if (column?.type.kind !== 'scalar' || value === null || value === undefined || isAsymmetric(value)) return undefined;
  const type = column.type.name;
  const text = scalar(type).canonical(value);
  if (text === undefined || type === 'duration') return undefined;
  if (type === 'decimal') return String(Number(text)) === 'NaN' ? undefined : String(value);
  return QUOTED.has(type) ? `'${text.replaceAll("'", "''")}'` : text;
}

const QUOTED = new Set(['ascii', 'text', 'varchar', 'timestamp', 'date', 'time', 'inet']);

/** Whether the partition key is whole and the rest a prefix of the clustering key. */
function isFound(names: readonly string[], { partition, clustering }: TableShape): boolean {
  const rest = names.filter((name) => !partition.includes(name));
  const prefix = clustering.slice(0, rest.length);
  return partition.every((name) => names.includes(name)) && rest.every((name) => prefix.includes(name));
}
