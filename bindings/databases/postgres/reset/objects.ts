/**
 * What the catalogs hold, as one query: an object a row, with the statements that make and unmake it. Run with an
 * empty search_path, so that every name in a definition is qualified.
 *
 * - `def` is what is compared; `make` brings a missing object back, null where only its table as a whole can
 * - `mend` changes an existing one in place, tried before it is unmade
 * - `part_of` names the table
 * - `rank` is the order of making; views and functions that depend on each other are tried until all are there
 */
export const RANK_OF_TABLES = 66;

const PARTS: string[] = [];

/** Give `/*level* /` a value to get it as the first column. */
export const LIVE_OBJECTS = buildQuery();

function buildQuery(): string {
  for (const part of [
    schemas,
    types,
    routines,
    sequences,
    tables,
    columns,
    constraints,
    indexes,
    views,
    rules,
    access,
    others,
  ])
    PARTS.push(part());
  return `
with ns as materialized (
  select oid, nspname, nspowner, nspacl, quote_ident(nspname) as q from pg_namespace
   where nspname !~ '^pg_' and nspname not in ('information_schema', 'qa_baseline')),
ext as materialized (select classid, objid from pg_depend where deptype = 'e'),
rel as materialized (
  select c.*, ns.q || '.' || quote_ident(c.relname) as name,
         case c.relkind when 'v' then 'VIEW' when 'm' then 'MATERIALIZED VIEW' when 'S' then 'SEQUENCE' when 'c' then 'TYPE'
              when 'f' then 'FOREIGN TABLE' else 'TABLE' end as word,
         case when c.reloptions is null then '' else ' WITH (' || array_to_string(c.reloptions, ', ') || ')' end as with_options
    from pg_class c join ns on ns.oid = c.relnamespace
   where c.relkind in ('r', 'p', 'v', 'm', 'S', 'c', 'f')
     and not exists (select from ext where ext.classid = 'pg_class'::regclass and ext.objid = c.oid)),
tab as materialized (select * from rel where relkind in ('r', 'p')),
seq as materialized (
  select s.*, format('INCREMENT BY %s MINVALUE %s MAXVALUE %s START WITH %s CACHE %s %s', seqincrement, seqmin, seqmax,
           seqstart, seqcache, case when seqcycle then 'CYCLE' else 'NO CYCLE' end) as options
    from pg_sequence s),
bound as materialized (
  select d.objid, d.refobjid, d.refobjsubid, d.deptype from pg_depend d
   where d.classid = 'pg_class'::regclass and d.refclassid = 'pg_class'::regclass and d.refobjsubid > 0
     and d.deptype in ('a', 'i') and d.objid in (select oid from rel where relkind = 'S')),
cols as materialized (
  select a.attrelid, a.attnum, a.attname, a.attnotnull and a.attidentity = '' as attnotnull, tab.name,
         row_number() over (partition by a.attrelid order by a.attnum) as place,
         concat(quote_ident(a.attname), ' ', format_type(a.atttypid, a.atttypmod),
           case when a.attstorage <> t.typstorage then
             case a.attstorage when 'p' then ' STORAGE PLAIN' when 'e' then ' STORAGE EXTERNAL' when 'm' then ' STORAGE MAIN' else ' STORAGE EXTENDED' end end,
           case a.attcompression when 'p' then ' COMPRESSION pglz' when 'l' then ' COMPRESSION lz4' end,
           case when a.attcollation <> t.typcollation then
             (select format(' COLLATE %I.%I', cn.nspname, co.collname) from pg_collation co join pg_namespace cn on cn.oid = co.collnamespace where co.oid = a.attcollation) end,
           case when a.attgenerated <> '' then
             format(' GENERATED ALWAYS AS (%s) %s', (select pg_get_expr(adbin, adrelid) from pg_attrdef where adrelid = a.attrelid and adnum = a.attnum),
               case a.attgenerated when 's' then 'STORED' else 'VIRTUAL' end) end,
           case when a.attidentity <> '' and not tab.relispartition then
             format(' GENERATED %s AS IDENTITY (%s)', case a.attidentity when 'a' then 'ALWAYS' else 'BY DEFAULT' end,
               identity.options) end) as sql
    from pg_attribute a join tab on tab.oid = a.attrelid join pg_type t on t.oid = a.atttypid
    left join (select bound.refobjid, bound.refobjsubid, format('SEQUENCE NAME %s %s', rel.name, seq.options) as options
                 from bound join rel on rel.oid = bound.objid join seq on seq.seqrelid = rel.oid where bound.deptype = 'i') identity
      on identity.refobjid = a.attrelid and identity.refobjsubid = a.attnum
   where a.attnum > 0 and not a.attisdropped)
select /*level*/ o.rank, o.kind, o.id, o.part_of, coalesce(o.def, o.make, '') as def, o.make, o.unmake, o.mend
  from (${PARTS.join('\nunion all\n')}) as o(rank, kind, id, part_of, def, make, unmake, mend)`;
}

function schemas(): string {
  return `
select 10, 'schema', q, null, null, format('CREATE SCHEMA %s AUTHORIZATION %I', q, pg_get_userbyid(nspowner)),
       format('DROP SCHEMA %s CASCADE', q), null::text from ns
union all
select 20, 'extension', quote_ident(e.extname), null, null,
       format('CREATE EXTENSION %I WITH SCHEMA %I VERSION %L CASCADE', e.extname, n.nspname, e.extversion),
       format('DROP EXTENSION %I CASCADE', e.extname), null
  from pg_extension e join pg_namespace n on n.oid = e.extnamespace where n.nspname <> 'qa_baseline'`;
}

function types(): string {
  const none = (oid: string) =>
    `not exists (select from ext where ext.classid = 'pg_type'::regclass and ext.objid = ${oid})`;
  return `
select 30, 'type', y.name, null, null, y.make || format('; ALTER TYPE %s OWNER TO %I', y.name, pg_get_userbyid(y.typowner)),
       format('DROP TYPE %s CASCADE', y.name), null
  from (
    select t.typowner, ns.q || '.' || quote_ident(t.typname) as name, case t.typtype
      when 'e' then format('CREATE TYPE %s.%I AS ENUM (%s)', ns.q, t.typname,
        (select string_agg(quote_literal(enumlabel), ', ' order by enumsortorder) from pg_enum where enumtypid = t.oid))
      when 'd' then format('CREATE DOMAIN %s.%I AS %s%s%s%s%s', ns.q, t.typname, format_type(t.typbasetype, t.typtypmod),
        case when t.typcollation <> (select b.typcollation from pg_type b where b.oid = t.typbasetype)
             then (select format(' COLLATE %I.%I', cn.nspname, co.collname) from pg_collation co join pg_namespace cn on cn.oid = co.collnamespace where co.oid = t.typcollation)
             else '' end,
        ' DEFAULT ' || t.typdefault, case when t.typnotnull then ' NOT NULL' else '' end,
        (select string_agg(format(' CONSTRAINT %I %s', conname, pg_get_constraintdef(oid)), '' order by conname) from pg_constraint where contypid = t.oid and contype = 'c'))
      when 'r' then (select format('CREATE TYPE %s.%I AS RANGE (SUBTYPE = %s)', ns.q, t.typname, format_type(rngsubtype, null)) from pg_range where rngtypid = t.oid)
      else format('CREATE TYPE %s.%I AS (%s)', ns.q, t.typname,
        (select string_agg(format('%I %s', attname, format_type(atttypid, atttypmod)), ', ' order by attnum)
           from pg_attribute where attrelid = t.typrelid and attnum > 0 and not attisdropped)) end as make
      from pg_type t join ns on ns.oid = t.typnamespace
     where (t.typtype in ('e', 'd', 'r') or t.typtype = 'c' and exists (select from rel where rel.oid = t.typrelid and rel.relkind = 'c'))
       and ${none('t.oid')}) y`;
}

function routines(): string {
  return `
select 40, 'function', f.id, null, null,
       pg_get_functiondef(f.oid) || format('; ALTER ROUTINE %s OWNER TO %I', f.id, pg_get_userbyid(f.proowner)),
       format('DROP ROUTINE %s CASCADE', f.id), pg_get_functiondef(f.oid)
  from (select p.*, format('%s.%I(%s)', ns.q, p.proname, pg_get_function_identity_arguments(p.oid)) as id
          from pg_proc p join ns on ns.oid = p.pronamespace
         where p.prokind in ('f', 'p', 'w')
           and not exists (select from ext where ext.classid = 'pg_proc'::regclass and ext.objid = p.oid)) f`;
}

function sequences(): string {
  return `
select 50, 'sequence', rel.name, null, null,
       format('CREATE %sSEQUENCE %s AS %s %s', case rel.relpersistence when 'u' then 'UNLOGGED ' else '' end, rel.name,
         format_type(seq.seqtypid, null), seq.options),
       format('DROP SEQUENCE %s CASCADE', rel.name),
       format('ALTER SEQUENCE %s AS %s %s', rel.name, format_type(seq.seqtypid, null), seq.options)
  from rel join seq on seq.seqrelid = rel.oid
 where not exists (select from bound where bound.objid = rel.oid and bound.deptype = 'i')
union all
select 70, 'owned sequence', rel.name, null, null,
       format('ALTER SEQUENCE %s OWNED BY %s.%I', rel.name, tab.name, a.attname),
       format('ALTER SEQUENCE %s OWNED BY NONE', rel.name), null
  from bound join rel on rel.oid = bound.objid join tab on tab.oid = bound.refobjid
  join pg_attribute a on a.attrelid = tab.oid and a.attnum = bound.refobjsubid
 where bound.deptype = 'a'`;
}

function tables(): string {
  return `
select 60, 'table', t.name, t.name, concat_ws(' ', t.relkind, t.relpersistence, t.am, t.part, t.with_options),
       format('CREATE %sTABLE %s (%s)%s%s%s', case t.relpersistence when 'u' then 'UNLOGGED ' else '' end, t.name,
         t.columns,
         ' PARTITION BY ' || t.part, case when t.relkind = 'r' and t.am <> 'heap' then format(' USING %I', t.am) end, t.with_options),
       format('DROP TABLE %s CASCADE', t.name), null
  from (select tab.*, pg_get_partkeydef(tab.oid) as part, am.amname as am, l.columns from tab left join pg_am am on am.oid = tab.relam
          left join (select attrelid, string_agg(sql, ', ' order by attnum) as columns from cols group by attrelid) l on l.attrelid = tab.oid) t
union all
select 65, 'partition', c.name, c.name, null,
       format('ALTER TABLE %s ATTACH PARTITION %s %s', p.name, c.name, pg_get_expr(c.relpartbound, c.oid)),
       format('ALTER TABLE %s DETACH PARTITION %s', p.name, c.name), null
  from pg_inherits i join tab c on c.oid = i.inhrelid join tab p on p.oid = i.inhparent where c.relispartition
union all
select 65, 'inheritance', format('%s of %s', c.name, p.name), c.name, null,
       format('ALTER TABLE %s INHERIT %s', c.name, p.name), format('ALTER TABLE %s NO INHERIT %s', c.name, p.name), null
  from pg_inherits i join tab c on c.oid = i.inhrelid join tab p on p.oid = i.inhparent where not c.relispartition`;
}

function columns(): string {
  return `
select 61, 'column', format('%s.%I', c.name, c.attname), c.name, c.place || ' ' || c.sql, null,
       format('ALTER TABLE %s DROP COLUMN %I CASCADE', c.name, c.attname), null from cols c
union all
select 67, 'default', format('%s.%I', rel.name, a.attname), rel.name, null,
       format('ALTER TABLE %s ALTER COLUMN %I SET DEFAULT %s', rel.name, a.attname, pg_get_expr(d.adbin, d.adrelid)),
       format('ALTER TABLE %s ALTER COLUMN %I DROP DEFAULT', rel.name, a.attname), null
  from pg_attrdef d join rel on rel.oid = d.adrelid join pg_attribute a on a.attrelid = d.adrelid and a.attnum = d.adnum
 where a.attgenerated = ''
union all
select 68, 'not null', format('%s.%I', c.name, c.attname), c.name, null,
       format('ALTER TABLE %s ALTER COLUMN %I SET NOT NULL', c.name, c.attname),
       format('ALTER TABLE %s ALTER COLUMN %I DROP NOT NULL', c.name, c.attname), null from cols c where c.attnotnull`;
}

function constraints(): string {
  return `
select case k.contype when 'c' then 72 when 'f' then 78 else 74 end, 'constraint', format('%I on %s', k.conname, tab.name), tab.name, null,
       format('ALTER TABLE %s ADD CONSTRAINT %I %s', tab.name, k.conname, pg_get_constraintdef(k.oid)),
       format('ALTER TABLE %s DROP CONSTRAINT %I CASCADE', tab.name, k.conname), null
  from pg_constraint k join tab on tab.oid = k.conrelid
 where k.contype in ('c', 'p', 'u', 'x', 'f') and k.conparentid = 0
union all
select 90, 'statistics', format('%s.%I', ns.q, s.stxname), null, null, pg_get_statisticsobjdef(s.oid),
       format('DROP STATISTICS %s.%I', ns.q, s.stxname), null
  from pg_statistic_ext s join ns on ns.oid = s.stxnamespace`;
}

function indexes(): string {
  return `
select 76, 'index', format('%s.%I', ns.q, c.relname), rel.name, null,
       regexp_replace(pg_get_indexdef(c.oid), ' ON ONLY ', ' ON '), format('DROP INDEX %s.%I CASCADE', ns.q, c.relname), null
  from pg_index i join pg_class c on c.oid = i.indexrelid join ns on ns.oid = c.relnamespace join rel on rel.oid = i.indrelid
 where not c.relispartition and not exists (select from pg_constraint k where k.conindid = c.oid and k.contype in ('p', 'u', 'x'))`;
}

function views(): string {
  return `
select 80, 'view', name, name, null, format('CREATE OR REPLACE VIEW %s%s AS %s', name, with_options, pg_get_viewdef(oid)),
       format('DROP VIEW %s CASCADE', name), format('CREATE OR REPLACE VIEW %s%s AS %s', name, with_options, pg_get_viewdef(oid))
  from rel where relkind = 'v'
union all
select 82, 'materialized view', name, name, null,
       format('CREATE MATERIALIZED VIEW %s%s AS %s WITH NO DATA', name, with_options, rtrim(pg_get_viewdef(oid), ';')),
       format('DROP MATERIALIZED VIEW %s CASCADE', name), null
  from rel where relkind = 'm'
union all
select 83, 'populated', name, name, null, format('REFRESH MATERIALIZED VIEW %s', name),
       format('REFRESH MATERIALIZED VIEW %s WITH NO DATA', name), null
  from rel where relkind = 'm' and relispopulated`;
}

function rules(): string {
  const enabled = (column: string) =>
    `case ${column} when 'O' then 'ENABLE' when 'D' then 'DISABLE' when 'A' then 'ENABLE ALWAYS' else 'ENABLE REPLICA' end`;
  return `
select 84, 'rule', format('%I on %s', r.rulename, rel.name), rel.name, null, pg_get_ruledef(r.oid),
       format('DROP RULE %I ON %s CASCADE', r.rulename, rel.name), null
  from pg_rewrite r join rel on rel.oid = r.ev_class where r.rulename <> '_RETURN'
union all
select 85, 'state of rule', format('%I on %s', r.rulename, rel.name), rel.name, null,
       format('ALTER TABLE %s %s RULE %I', rel.name, ${enabled('r.ev_enabled')}, r.rulename), null, null
  from pg_rewrite r join rel on rel.oid = r.ev_class where r.rulename <> '_RETURN'
union all
select 86, 'trigger', format('%I on %s', t.tgname, rel.name), rel.name, null, pg_get_triggerdef(t.oid),
       format('DROP TRIGGER %I ON %s CASCADE', t.tgname, rel.name), null
  from pg_trigger t join rel on rel.oid = t.tgrelid where not t.tgisinternal and t.tgparentid = 0
union all
select 87, 'state of trigger', format('%I on %s', t.tgname, rel.name), rel.name, null,
       format('ALTER TABLE %s %s TRIGGER %I', rel.name, ${enabled('t.tgenabled')}, t.tgname), null, null
  from pg_trigger t join rel on rel.oid = t.tgrelid where not t.tgisinternal and rel.relkind in ('r', 'p')
union all
select 88, 'policy', format('%I on %s', p.polname, tab.name), tab.name, null,
       format('CREATE POLICY %I ON %s AS %s FOR %s TO %s%s%s', p.polname, tab.name,
         case when p.polpermissive then 'PERMISSIVE' else 'RESTRICTIVE' end,
         case p.polcmd when 'r' then 'SELECT' when 'a' then 'INSERT' when 'w' then 'UPDATE' when 'd' then 'DELETE' else 'ALL' end,
         (select string_agg(case r when 0 then 'PUBLIC' else quote_ident(pg_get_userbyid(r)) end, ', ') from unnest(p.polroles) r),
         ' USING (' || pg_get_expr(p.polqual, p.polrelid) || ')', ' WITH CHECK (' || pg_get_expr(p.polwithcheck, p.polrelid) || ')'),
       format('DROP POLICY %I ON %s', p.polname, tab.name), null
  from pg_policy p join tab on tab.oid = p.polrelid
union all
select 89, 'row security', name, name, null, format('ALTER TABLE %s ENABLE ROW LEVEL SECURITY', name),
       format('ALTER TABLE %s DISABLE ROW LEVEL SECURITY', name), null from tab where relrowsecurity
union all
select 89, 'forced row security', name, name, null, format('ALTER TABLE %s FORCE ROW LEVEL SECURITY', name),
       format('ALTER TABLE %s NO FORCE ROW LEVEL SECURITY', name), null from tab where relforcerowsecurity`;
}

function access(): string {
  /** One row for each grantee: what it may do, beyond the owner's own rights. */
  const grants = (id: string, target: string, acl: string, owner: string, from: string, partOf = 'null') => `
select 94, 'grant', format('%s to %s', ${id}, g.who), ${partOf}, null, string_agg(format('GRANT %s ON ${target} TO %s%s', g.privilege_type, ${id}, g.who,
         case when g.is_grantable then ' WITH GRANT OPTION' else '' end), '; ' order by g.privilege_type),
       min(format('REVOKE ALL ON ${target} FROM %s CASCADE', ${id}, g.who)), null
  from ${from}, lateral (
    select x.*, case x.grantee when 0 then 'PUBLIC' else quote_ident(pg_get_userbyid(x.grantee)) end as who
      from aclexplode(${acl}) x where x.grantee <> ${owner}) g group by ${id}, g.who`;
  return `
select 92, 'owner', name, name, null, format('ALTER %s %s OWNER TO %I', word, name, pg_get_userbyid(relowner)), null, null
  from rel where relkind in ('r', 'p', 'v', 'm') or relkind = 'S' and not exists (select from bound where bound.objid = rel.oid)
union all
${grants('rel.name', '%s', 'rel.relacl', 'rel.relowner', "(select * from rel where relkind in ('r', 'p', 'v', 'm', 'f')) rel", 'rel.name')}, rel.name
union all
${grants('rel.name', 'SEQUENCE %s', 'rel.relacl', 'rel.relowner', "(select * from rel where relkind = 'S') rel")}
union all
${grants('ns.q', 'SCHEMA %s', "coalesce(ns.nspacl, acldefault('n', ns.nspowner))", 'ns.nspowner', 'ns')}
union all
${grants('f.id', 'ROUTINE %s', "coalesce(f.proacl, acldefault('f', f.proowner))", 'f.proowner', "(select p.proacl, p.proowner, format('%s.%I(%s)', ns.q, p.proname, pg_get_function_identity_arguments(p.oid)) as id from pg_proc p join ns on ns.oid = p.pronamespace where p.prokind in ('f', 'p', 'w') and not exists (select from ext where ext.classid = 'pg_proc'::regclass and ext.objid = p.oid)) f")}
union all
select 95, 'column grant', format('%s.%I %s to %s', rel.name, a.attname, g.privilege_type, g.who), rel.name, null,
       format('GRANT %s (%I) ON %s TO %s', g.privilege_type, a.attname, rel.name, g.who),
       format('REVOKE %s (%I) ON %s FROM %s', g.privilege_type, a.attname, rel.name, g.who), null
  from pg_attribute a join rel on rel.oid = a.attrelid, lateral (
    select x.privilege_type, case x.grantee when 0 then 'PUBLIC' else quote_ident(pg_get_userbyid(x.grantee)) end as who
      from aclexplode(a.attacl) x) g
 where a.attacl is not null and not a.attisdropped
union all
select 96, 'comment', rel.name || coalesce('.' || quote_ident(a.attname), ''), rel.name, null,
       format('COMMENT ON %s %s IS %L', case when d.objsubid = 0 then rel.word else 'COLUMN' end, rel.name || coalesce('.' || quote_ident(a.attname), ''), d.description),
       format('COMMENT ON %s %s IS NULL', case when d.objsubid = 0 then rel.word else 'COLUMN' end, rel.name || coalesce('.' || quote_ident(a.attname), '')), null
  from pg_description d join rel on rel.oid = d.objoid left join pg_attribute a on a.attrelid = rel.oid and a.attnum = d.objsubid and d.objsubid > 0
 where d.classoid = 'pg_class'::regclass`;
}

/** Kinds that are seen, and removed where new, but not brought back: `make` is null. */
function others(): string {
  const catalogs: [name: string, where?: string][] = [
    ['pg_cast'],
    ['pg_operator'],
    ['pg_opclass'],
    ['pg_opfamily'],
    ['pg_conversion'],
    ['pg_collation'],
    ['pg_ts_config'],
    ['pg_ts_dict'],
    ['pg_ts_parser'],
    ['pg_ts_template'],
    ['pg_event_trigger'],
    ['pg_foreign_data_wrapper'],
    ['pg_foreign_server'],
    ['pg_user_mapping'],
    ['pg_publication'],
    ['pg_language'],
    ['pg_am'],
    ['pg_transform'],
    ['pg_default_acl'],
    ['pg_proc', "prokind = 'a'"],
    ['pg_class', "relkind = 'f'"],
    ['pg_type', "typtype = 'b' and typcategory <> 'A'"],
  ];
  const rows = catalogs.map(
    ([name, where = 'true']) =>
      `select '${name}'::regclass::oid as classid, c.oid, md5(c::text) as hash from ${name} c where c.oid >= 16384 and ${where}`,
  );
  return `
select 98, i.type, i.identity, null, x.hash, null, format('DROP %s %s CASCADE', upper(i.type), i.identity), null
  from (${rows.join(' union all ')}) x, lateral pg_identify_object(x.classid, x.oid, 0) i
 where not exists (select from ext where ext.classid = x.classid and ext.objid = x.oid)
   and i.schema is distinct from 'qa_baseline' and i.schema is distinct from 'information_schema' and coalesce(i.schema, '') !~ '^pg_(temp|toast)'
union all
select 99, 'large object', l.oid::text, null, md5(lo_get(l.oid)), null, format('SELECT pg_catalog.lo_unlink(%s)', l.oid), null
  from pg_largeobject_metadata l`;
}
