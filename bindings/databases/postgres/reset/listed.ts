/** The tables that a config lists: found, ordered by their foreign keys, and refused where emptying them would not be safe. */
import { QaError } from '../../../core/errors.ts';
import { didYouMean } from '../../../core/suggest.ts';
import type { Context } from './context.ts';

/** A table of the database, listed or not. */
export interface Listable {
  oid: number;
  schema: string;
  table: string;
  /** Found without its schema's name. */
  isVisible: boolean;
  isPartitioned: boolean;
  /** Qualified and quoted. */
  name: string;
  /** Columns that can be written, quoted. */
  columns: string[];
  /** Tables that its foreign keys refer to, other than itself. */
  refersTo: number[];
  /** A foreign key to itself with ON DELETE RESTRICT. */
  restrictsItself: boolean;
  hasDeleteTrigger: boolean;
  mayDelete: boolean;
  mayTruncate: boolean;
  /** Row security hides rows from us. */
  hidesRows: boolean;
}

export interface Listed extends Listable {
  /** What a DELETE or SELECT names: without the tables that inherit from it. */
  from: string;
  inCycle: boolean;
}

/** In the order of deletion: what refers comes before what is referred to. */
export function resolveListed(names: readonly string[], all: readonly Listable[], context: Context): Listed[] {
  const found = new Map<number, Listable>();
  for (const name of names) {
    const plain = name.replaceAll('"', '');
    const hit =
      all.find(({ schema, table }) => `${schema}.${table}` === plain) ??
      all.find(({ table, isVisible }) => isVisible && table === plain);
    if (hit) found.set(hit.oid, hit);
    else {
      const known = all.map(({ schema, table, isVisible }) => (isVisible ? table : `${schema}.${table}`));
      throw refuse(context, `\`reset.tables\` lists "${name}", and there is no such table`, didYouMean(plain, known));
    }
  }
  const order = inOrder([...found.values()]);
  return order.map((listed) => ({
    ...listed,
    from: listed.isPartitioned ? listed.name : `only ${listed.name}`,
    inCycle: listed.restrictsItself || reaches(listed.refersTo, listed.oid, found),
  }));
}

/** @throws QaError QA_CONFIG where emptying would fail, leave rows behind, or reach a table that is not listed */
export function checkListed(tables: readonly Listed[], all: readonly Listable[], context: Context): void {
  const listed = new Set(tables.map(({ oid }) => oid));
  for (const table of tables) {
    const referrer = all.find(({ oid, refersTo }) => !listed.has(oid) && refersTo.includes(table.oid));
    if (referrer) {
      throw refuse(
        context,
        `\`reset.tables\` lists ${table.name}, but a foreign key of ${referrer.name}, which is not listed, refers to it`,
        `List "${referrer.schema}.${referrer.table}" too if it may be emptied, or take "${table.table}" out`,
      );
    }
    if (!table.mayDelete) {
      throw refuse(
        context,
        `\`reset.tables\` lists ${table.name}, but this user may not SELECT, INSERT and DELETE there`,
        `GRANT SELECT, INSERT, DELETE ON ${table.name} TO it, or take the table out of the list`,
      );
    }
    if (table.hidesRows) {
      throw refuse(
        context,
        `\`reset.tables\` lists ${table.name}, but its row security hides rows from this user, which would be left over`,
        'Use a user with BYPASSRLS, or take the table out of the list',
      );
    }
    if (table.inCycle && !table.mayTruncate) {
      throw refuse(
        context,
        `\`reset.tables\` lists ${table.name}, whose foreign keys form a circle that only TRUNCATE can empty, and this user may not TRUNCATE it`,
        `GRANT TRUNCATE ON ${table.name} TO it, or take the table out of the list`,
      );
    }
  }
}

function refuse({ connection, address }: Context, what: string, mend: string): QaError {
  return new QaError('QA_CONFIG', { what, mend, connection, address });
}

function inOrder(tables: readonly Listable[]): Listable[] {
  const left = new Set(tables);
  const order: Listable[] = [];
  while (left.size > 0) {
    const free = [...left].filter(({ oid }) => ![...left].some((other) => other.refersTo.includes(oid)));
    // In a circle any order is as good as another: TRUNCATE takes them together.
    for (const table of free.length > 0 ? free : [...left]) {
      order.push(table);
      left.delete(table);
    }
  }
  return order;
}

function reaches(from: readonly number[], goal: number, tables: ReadonlyMap<number, Listable>): boolean {
  const seen = new Set<number>();
  const queue = [...from];
  for (let oid = queue.pop(); oid !== undefined; oid = queue.pop()) {
    if (oid === goal) return true;
    if (seen.has(oid)) continue;
    seen.add(oid);
    queue.push(...(tables.get(oid)?.refersTo ?? []));
  }
  return false;
}

export const LISTABLE = `
  select c.oid, n.nspname as schema, c.relname as "table", pg_table_is_visible(c.oid) as "isVisible", c.relkind = 'p' as "isPartitioned",
         format('%I.%I', n.nspname, c.relname) as name,
         coalesce((select json_agg(quote_ident(a.attname) order by a.attnum) from pg_attribute a
           where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped and a.attgenerated = ''), '[]') as columns,
         coalesce((select json_agg(distinct k.confrelid::int8) from pg_constraint k
           where k.contype = 'f' and k.conrelid = c.oid and k.confrelid <> c.oid), '[]') as "refersTo",
         exists (select from pg_constraint k where k.contype = 'f' and k.conrelid = c.oid and k.confrelid = c.oid and k.confdeltype = 'r') as "restrictsItself",
         exists (select from pg_trigger t where t.tgrelid = c.oid and not t.tgisinternal and t.tgtype & 8 = 8 and t.tgenabled <> 'D') as "hasDeleteTrigger",
         has_table_privilege(c.oid, 'SELECT') and has_table_privilege(c.oid, 'INSERT') and has_table_privilege(c.oid, 'DELETE') as "mayDelete",
         has_table_privilege(c.oid, 'TRUNCATE') as "mayTruncate", row_security_active(c.oid) as "hidesRows"
    from pg_class c join pg_namespace n on n.oid = c.relnamespace
   where c.relkind in ('r', 'p') and n.nspname !~ '^pg_' and n.nspname not in ('information_schema', 'qa_baseline')`;
