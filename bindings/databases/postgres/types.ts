/** The types of a database by their oid: built-in ones are known, others are asked for once. */
import type pg from 'pg';
import { quoteName } from './names.ts';
import type { Codec } from './values/codec.ts';
import { circle, json, jsonb, point } from './values/documents.ts';
import { interval } from './values/interval.ts';
import { array, composite } from './values/nested.ts';
import { float4, float8, int8, integer, numeric } from './values/numbers.ts';
import { boolean, bytea, enumeration, padded, printed, text, uuid } from './values/texts.ts';
import { date, timestamp, timestamptz } from './values/times.ts';

export interface TypeInfo {
  /** As SQL writes it: `numeric`, `audit.mood`. */
  name: string;
  codec: Codec;
  /** Its definition may change while its oid stays: what is known of it must not be kept. */
  isVolatile: boolean;
  /** What the server says of it in results: a domain is announced as the type it is based on. */
  wire: number;
}

/** Built-in types and their array types. */
const BUILT_IN: readonly [oid: number, arrayOid: number, name: string, codec: Codec, delimiter?: string][] = [
  [16, 1000, 'bool', boolean],
  [17, 1001, 'bytea', bytea],
  [19, 1003, 'name', text],
  [20, 1016, 'int8', int8],
  [21, 1005, 'int2', integer('int2', -32768n, 32767n)],
  [23, 1007, 'int4', integer('int4', -(2n ** 31n), 2n ** 31n - 1n)],
  [25, 1009, 'text', text],
  [26, 1028, 'oid', integer('oid', 0n, 2n ** 32n - 1n)],
  [114, 199, 'json', json],
  [600, 1017, 'point', point],
  [603, 1020, 'box', printed, ';'],
  [700, 1021, 'float4', float4],
  [701, 1022, 'float8', float8],
  [718, 719, 'circle', circle],
  [1042, 1014, 'bpchar', padded],
  [1043, 1015, 'varchar', text],
  [1082, 1182, 'date', date],
  [1114, 1115, 'timestamp', timestamp],
  [1184, 1185, 'timestamptz', timestamptz],
  [1186, 1187, 'interval', interval],
  [1700, 1231, 'numeric', numeric],
  [2950, 2951, 'uuid', uuid],
  [3802, 3807, 'jsonb', jsonb],
  ...(
    'xml:142:143 money:790:791 inet:869:1041 cidr:650:651 macaddr:829:1040 macaddr8:774:775 time:1083:1183 ' +
    'timetz:1266:1270 bit:1560:1561 varbit:1562:1563 char:18:1002 line:628:629 lseg:601:1018 path:602:1019 ' +
    'polygon:604:1027 int4range:3904:3905 numrange:3906:3907 tsrange:3908:3909 tstzrange:3910:3911 ' +
    'daterange:3912:3913 int8range:3926:3927 int4multirange:4451:6150 nummultirange:4532:6151 ' +
    'tsvector:3614:3643 tsquery:3615:3645 jsonpath:4072:4073 pg_lsn:3220:3221 xid8:5069:271'
  )
    .split(' ')
    .map((line): [number, number, string, Codec] => {
      const [name, oid, arrayOid] = line.split(':');
      return [Number(oid), Number(arrayOid), name!, printed];
    }),
];

const builtIn = new Map<number, TypeInfo>();
for (const [oid, arrayOid, name, codec, delimiter] of BUILT_IN) {
  builtIn.set(oid, { name, codec, isVolatile: false, wire: oid });
  builtIn.set(arrayOid, { name: `${name}[]`, codec: array(codec, delimiter), isVolatile: false, wire: arrayOid });
}

/** A type that the catalog does not hold: dropped since. */
const UNKNOWN: Omit<TypeInfo, 'wire'> = { name: 'unknown', codec: printed, isVolatile: true };

interface TypeRow {
  oid: number;
  schema: string;
  name: string;
  visible: boolean;
  kind: string;
  base: number;
  element: number;
  delimiter: string;
  labels: string[] | null;
  attributes: [name: string, oid: number][] | null;
}

const CLOSURE = `
with recursive needed(oid) as (
  select unnest($1::oid[])
  union
  select u.oid from needed n join pg_catalog.pg_type t on t.oid = n.oid cross join lateral (
    select t.typbasetype as oid union all select t.typelem union all
    select a.atttypid from pg_catalog.pg_attribute a
    where a.attrelid = t.typrelid and t.typtype = 'c' and a.attnum > 0 and not a.attisdropped
  ) u where u.oid <> 0
)
select t.oid::int8::text::float8 as oid, n.nspname as schema, t.typname as name, pg_type_is_visible(t.oid) as visible,
  t.typtype as kind, t.typbasetype::int8::float8 as base, t.typdelim as delimiter,
  (case when e.typarray = t.oid then t.typelem else 0 end)::int8::float8 as element,
  (select json_agg(enumlabel order by enumsortorder) from pg_catalog.pg_enum where enumtypid = t.oid) as labels,
  (select json_agg(json_build_array(a.attname, a.atttypid::int8) order by a.attnum) from pg_catalog.pg_attribute a
    where a.attrelid = t.typrelid and t.typtype = 'c' and a.attnum > 0 and not a.attisdropped) as attributes
from needed join pg_catalog.pg_type t using (oid) join pg_catalog.pg_namespace n on n.oid = t.typnamespace
left join pg_catalog.pg_type e on e.oid = t.typelem`;

export type Ask = (text: string, values: unknown[]) => Promise<pg.QueryResult>;

/** What is known of a database's types. Oids are not used again, so what is known stays right, volatile ones aside. */
export class Types {
  readonly #known = new Map<number, TypeInfo>();

  get(oid: number): TypeInfo {
    return builtIn.get(oid) ?? this.#known.get(oid) ?? { ...UNKNOWN, wire: oid };
  }

  /** Asks for those not known yet: no round trip where there are none. */
  async learn(oids: Iterable<number>, ask: Ask): Promise<void> {
    const missing = [...new Set(oids)].filter((oid) => !builtIn.has(oid) && !this.#isSettled(oid));
    if (missing.length === 0) return;
    const { rows } = await ask(CLOSURE, [missing]);
    const byOid = new Map((rows as TypeRow[]).map((row) => [row.oid, row]));
    for (const row of byOid.values()) this.#known.delete(row.oid);
    for (const oid of byOid.keys()) this.#build(oid, byOid);
  }

  #isSettled(oid: number): boolean {
    const known = this.#known.get(oid);
    return known !== undefined && !known.isVolatile;
  }

  #build(oid: number, rows: ReadonlyMap<number, TypeRow>): TypeInfo {
    const found = builtIn.get(oid) ?? this.#known.get(oid);
    const row = rows.get(oid);
    if (found || !row) return found ?? { ...UNKNOWN, wire: oid };
    const name = row.visible ? quoteName(row.name) : `${quoteName(row.schema)}.${quoteName(row.name)}`;
    const info = this.#define(oid, name, row, rows);
    this.#known.set(oid, info);
    return info;
  }

  #define(oid: number, name: string, row: TypeRow, rows: ReadonlyMap<number, TypeRow>): TypeInfo {
    const plain = { name, isVolatile: false, wire: oid };
    if (row.kind === 'd') return { ...this.#build(row.base, rows), name };
    if (row.kind === 'e') return { ...plain, codec: enumeration(name, row.labels ?? []) };
    if (row.kind === 'c') {
      const attributes = (row.attributes ?? []).map(([attribute, type]) => ({
        name: attribute,
        codec: this.#build(type, rows).codec,
      }));
      return { ...plain, codec: composite(attributes), isVolatile: true };
    }
    if (row.element === 0) return { ...plain, codec: printed };
    const element = this.#build(row.element, rows);
    return {
      ...plain,
      name: `${element.name}[]`,
      codec: array(element.codec, row.delimiter),
      isVolatile: element.isVolatile,
    };
  }
}
