/** Brings the schema of a keyspace back to what it was: drops what is new, makes again what is gone or was altered. */
import { quoteName } from '../names.ts';
import type { SchemaObject, Tables } from './tables.ts';

const NOUNS: Readonly<Record<string, string>> = {
  type: 'TYPE',
  table: 'TABLE',
  index: 'INDEX',
  materialized_view: 'MATERIALIZED VIEW',
  function: 'FUNCTION',
  aggregate: 'AGGREGATE',
};

/** Returns whether anything had to be done. The rows of a table that is made again are gone. */
export async function repair(tables: Tables, wanted: readonly SchemaObject[], signal: AbortSignal): Promise<boolean> {
  const found = await tables.schema(signal);
  const wrong = differing(found, wanted);
  if (wrong.length === 0 && found.length === wanted.length) return false;
  // What depends on others is described after them, so it goes first.
  for (const object of wrong.toReversed()) await drop(tables, object, signal);
  // An index or view goes with its table.
  const left = new Set((await tables.schema(signal)).map(keyOf));
  for (const object of wanted) if (!left.has(keyOf(object))) await tables.change(object.create, signal);
  return true;
}

/** Those found that are not wanted as they are, with what is built on them. */
function differing(found: readonly SchemaObject[], wanted: readonly SchemaObject[]): SchemaObject[] {
  const right = new Map(wanted.map((object) => [keyOf(object), object.create]));
  const wrong = found.filter((object) => right.get(keyOf(object)) !== object.create);
  const types = wrong.filter(({ type }) => type === 'type').map(({ name }) => name);
  const tables = wrong.filter(({ type }) => type === 'table').map(({ name }) => name);
  return found.filter(
    (object) =>
      wrong.includes(object) ||
      types.some((name) => mentions(object, name)) ||
      (object.type === 'materialized_view' && tables.some((name) => mentions(object, name))),
  );
}

function mentions({ create }: SchemaObject, name: string): boolean {
  return create.split(/[^\w$]+/).includes(name);
}

async function drop(tables: Tables, { type, name, create }: SchemaObject, signal: AbortSignal): Promise<void> {
  const noun = NOUNS[type];
  if (noun === undefined) return;
  const keyspace = quoteName(tables.keyspace);
  // Functions are told apart by their arguments, which their name in a description does not hold.
  const isRoutine = type === 'function' || type === 'aggregate';
  const written = isRoutine ? signature(create) : `${keyspace}.${quoteName(name)}`;
  await tables.change(`DROP ${noun} IF EXISTS ${written}`, signal);
}

/** `CREATE FUNCTION ks.f(x int) …` → `ks.f(int)` */
function signature(create: string): string {
  const [, name = '', list = ''] = /^CREATE \w+ ([^(]+)\(([^)]*)\)/s.exec(create) ?? [];
  const isFunction = create.startsWith('CREATE FUNCTION');
  const types = list
    .split(/,(?![^<]*>)/)
    .map((part) => (isFunction ? part.trim().replace(/^\S+\s+/, '') : part.trim()));
  return `${name.trim()}(${types.filter(Boolean).join(', ')})`;
}

function keyOf({ type, name }: SchemaObject): string {
  return `${type} ${name}`;
}
