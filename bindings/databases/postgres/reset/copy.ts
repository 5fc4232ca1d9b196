/** Copies of tables' rows, and the statements that bring them back. */
import type { Run } from './baseline.ts';

export interface Copied {
  oid: number;
  /** Qualified and quoted. */
  name: string;
}

interface Layout {
  oid: number;
  name: string;
  columns: { name: string; plain: boolean; collated: boolean; type: string }[];
  key: string[] | null;
}

/**
 * Copies the tables' rows as level `level`'s. Values of the user's own types are kept as text: a copy that
 * depended on a type would keep a test from dropping it, or would vanish with it.
 */
export async function copyTables(
  run: Run,
  tables: readonly Copied[],
  level: number,
  signal: AbortSignal,
): Promise<void> {
  if (tables.length === 0) return;
  const [layouts] = await run({ text: LAYOUT, values: [tables.map(({ oid }) => oid)] }, signal);
  const statements = (layouts!.rows as Layout[]).map((layout) => copyOne(layout, level));
  await run(statements.join(';\n'), signal);
}

function copyOne({ oid, name, columns, key }: Layout, level: number): string {
  const copy = `qa_baseline.rows_${level}_${oid}`;
  const names = columns.map((column) => column.name).join(', ');
  const kept = (column: Layout['columns'][number]) => {
    if (!column.plain) return `t.${column.name}::text`;
    return column.collated ? `t.${column.name} collate "default"` : `t.${column.name}`;
  };
  const live = columns.map(kept);
  const back = columns.map((c) => (c.plain ? `c.${c.name}` : `c.${c.name}::${c.type}`)).join(', ');
  const insert = `insert into ${name} (${names}) overriding system value select ${back} from ${copy} c`;
  const isWide = columns.length === 0;
  const refill = isWide ? `insert into ${name} select from ${copy}` : insert;
  const row = (alias: string) =>
    alias === 't' ? `row(${live.join(', ')})` : `row(${columns.map((c) => `c.${c.name}`).join(', ')})`;
  const sameKey = key
    ?.map(
      (k) =>
        `c.${k} = ${kept(columns.find((column) => column.name === k) ?? { name: k, plain: true, collated: false, type: '' })}`,
    )
    .join(' and ');
  // Images are compared: that knows 1.0 from 1.00, and needs no operator of the types.
  const amend =
    key && sameKey
      ? `delete from only ${name} t where not exists (select from ${copy} c where ${sameKey} and record_image_eq(${row('c')}, ${row('t')}));
         ${insert} where not exists (select from only ${name} t where ${sameKey})`
      : null;
  const digest = (from: string, alias: string) =>
    `(select (count(*), sum(hashtextextended(${row(alias)}::text, 0)::numeric))::text from ${from} ${alias})`;
  const differs = `${digest(`only ${name}`, 't')} <> ${digest(copy, 'c')}`;
  const aliased = columns.map((c, i) => `${live[i]} as ${c.name}`).join(', ');
  return `drop table if exists ${copy};
    create table ${copy} as select ${aliased} from only ${name} t;
    insert into qa_baseline.copies values (${[name, level, copy, refill, amend, differs].map(literal).join(', ')})
      on conflict (name, level) do update set copy = excluded.copy, refill = excluded.refill, amend = excluded.amend, differs = excluded.differs`;
}

export function literal(value: string | number | boolean | null): string {
  if (value === null) return 'null';
  if (typeof value !== 'string') return String(value);
  const quoted = `'${value.replaceAll("'", "''")}'`;
  return value.includes('\\') ? ` E${quoted.replaceAll('\\', '\\\\')}` : quoted;
}

/** Columns that can be written, in order; those of built-in types are kept as they are. */
const LAYOUT = `
  select c.oid, format('%I.%I', n.nspname, c.relname) as name,
         coalesce((select json_agg(json_build_object(
             'name', quote_ident(a.attname),
             'plain', a.atttypid < 16384,
             'collated', a.attcollation <> 0 and a.attcollation >= 16384,
             'type', case when a.atttypid < 16384 then '' else format('%I.%I', tn.nspname, t.typname) end) order by a.attnum)
            from pg_attribute a join pg_type t on t.oid = a.atttypid join pg_namespace tn on tn.oid = t.typnamespace
           where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped and a.attgenerated = ''), '[]') as columns,
         (select json_agg(quote_ident(a.attname) order by a.attnum)
            from pg_index i join pg_attribute a on a.attrelid = i.indrelid and a.attnum = any(i.indkey)
           where i.indrelid = c.oid and i.indisprimary) as key
    from pg_class c join pg_namespace n on n.oid = c.relnamespace
   where c.oid = any($1::oid[])`;
