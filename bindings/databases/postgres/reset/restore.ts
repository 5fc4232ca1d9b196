/** Brings rows and sequences back, in place: sessions of a service under test, their plans and locks stay as they are. */

import { literal } from './copy.ts';
import type { Dirt, Dirty } from './find.ts';

/** Tables with at least so many pages written are truncated where that is possible: 1 MB. */
export const BIG = 128;

/** How long a truncation may wait for readers, ms; then rows are deleted, which waits for writers alone. */
const PATIENCE = 100;

export const BEGIN = `begin; set local session_replication_role = replica; set local deadlock_timeout = '100ms'`;

/**
 * One transaction as one text; one of its results has the transaction's id as `xid`.
 * Writers of a dirty table are waited for, and kept out until it is done: what they commit later would be left over.
 */
export function restoreText(dirt: Dirt, depth: number, also = ''): string {
  return [BEGIN, lock(dirt.dirty), rows(dirt.dirty, true), also, keep(dirt, depth), 'commit']
    .filter((text) => text !== '')
    .join(';\n');
}

export function lock(dirty: readonly Dirty[]): string {
  const names = dirty.filter(({ kind }) => kind === 'r').map(({ name }) => `only ${name}`);
  return names.length === 0 ? '' : `lock table ${names.join(', ')} in share row exclusive mode`;
}

/** `amend` writes only what differs; it needs the table's key, so not after a change of the schema. */
export function rows(dirty: readonly Dirty[], amend: boolean): string {
  const statements: string[] = [];
  for (const table of dirty) {
    if (table.kind !== 'r') continue;
    for (const { off } of table.always ?? []) statements.push(off);
    if (amend && table.amend) statements.push(table.amend);
    else {
      statements.push(`delete from only ${table.name}`);
      if (table.refill) statements.push(table.refill);
    }
    for (const { on } of table.always ?? []) statements.push(on);
  }
  const sequences = dirty.filter(({ kind, last }) => kind === 'S' && last !== null);
  if (sequences.length > 0) {
    const values = sequences.map(({ name, last, called }) => `setval(${literal(name)}, ${last}, ${called})`);
    statements.push(`select ${values.join(', ')}`);
    statements.push(
      `update qa_baseline.sequences set silent = false where silent and oid in (${sequences.map(({ oid }) => oid).join(', ')})`,
    );
  }
  for (const view of dirty) if (view.kind === 'm') statements.push(`refresh materialized view ${view.name}`);
  return statements.join(';\n');
}

/** What the next process has to know; popped levels are cleared away. */
export function keep({ mark, popped }: Dirt, depth: number): string {
  const clear = popped
    ? `do $$ declare c text; begin
         for c in select copy from qa_baseline.copies where level > 0 and level > ${depth} and copy is not null loop execute 'drop table if exists ' || c; end loop;
       end $$;
       delete from qa_baseline.copies where level > 0 and level > ${depth};
       delete from qa_baseline.sequences where level > 0 and level > ${depth};
       delete from qa_baseline.objects where level > 0 and level > ${depth};`
    : '';
  return `${clear} update qa_baseline.state set lsn = ${literal(mark)}, xid = pg_current_xact_id()::xid returning xid::text`;
}

/** Truncates big tables that no other table refers to. Apart from the rest: it may give up without harm. */
export function truncateText(dirty: readonly Dirty[]): string | undefined {
  const big = dirty.filter(({ kind, refill, pages }) => kind === 'r' && refill === null && pages >= BIG);
  if (big.length === 0) return undefined;
  return `${BEGIN}; set local lock_timeout = '${PATIENCE}ms';
    do $$ declare t text; begin
      for t in select format('%I.%I', n.nspname, c.relname) from pg_class c join pg_namespace n on n.oid = c.relnamespace
         where c.oid in (${big.map(({ oid }) => oid).join(', ')}) and not exists (
           select from pg_constraint k where k.contype = 'f' and k.confrelid = c.oid and k.conrelid <> c.oid)
      loop
        execute 'truncate only ' || t;
        update qa_baseline.files set file = pg_relation_filenode(t::regclass) where name = t;
      end loop;
    end $$;
    select pg_current_xact_id()::xid::text as xid; commit`;
}

/** Few dead rows are pruned as pages are read; where many have been left, the server is asked to tidy up. */
export function vacuumText(dirty: readonly Dirty[]): string | undefined {
  const grown = dirty.filter(({ kind, pages }) => kind === 'r' && pages >= BIG / 4);
  return grown.length === 0 ? undefined : `vacuum ${grown.map(({ name }) => `only ${name}`).join(', ')}`;
}
