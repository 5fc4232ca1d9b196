/**
 * Avro schemas as a tree of ours. The library `avsc` gets a plain copy of it (full names, no logical types) and does
 * the binary part and the resolution of schemas; names, logical types and unions are seen to here.
 */
export type AvroSchema = string | readonly AvroSchema[] | { readonly [key: string]: unknown };

export type AvroNode = AvroPrimitive | AvroFixed | AvroEnum | AvroArray | AvroMap | AvroUnion | AvroRecord;

interface Logical {
  readonly logical?: string;
  readonly precision?: number;
  readonly scale?: number;
}
export interface AvroPrimitive extends Logical {
  readonly kind: (typeof PRIMITIVES)[number];
}
export interface AvroFixed extends Logical, Named {
  readonly kind: 'fixed';
  readonly size: number;
}
export interface AvroEnum extends Named {
  readonly kind: 'enum';
  readonly symbols: readonly string[];
  readonly default?: string;
}
export interface AvroArray {
  readonly kind: 'array';
  readonly items: AvroNode;
}
export interface AvroMap {
  readonly kind: 'map';
  readonly values: AvroNode;
}
export interface AvroUnion {
  readonly kind: 'union';
  readonly branches: readonly AvroNode[];
}
export interface AvroRecord extends Named {
  readonly kind: 'record';
  readonly fields: AvroField[];
}
export interface AvroField {
  readonly name: string;
  readonly node: AvroNode;
  readonly aliases: readonly string[];
  /** Present where the schema has one; JSON as the schema writes it. */
  readonly default?: unknown;
}
interface Named {
  /** With namespace: `shop.Order`. */
  readonly name: string;
  readonly aliases: readonly string[];
}

const PRIMITIVES = ['null', 'boolean', 'int', 'long', 'float', 'double', 'bytes', 'string'] as const;

/** Types by full name: schemas that refer to each other share one. */
export type AvroNames = Map<string, AvroNode>;

/** @throws Error that names the place in the schema: `fields.total: …` */
export function parseAvro(schema: AvroSchema, names: AvroNames = new Map()): AvroNode {
  return parse(schema, { names, namespace: '', path: '' });
}

/** How the wrapped form and messages call a branch of a union. */
export function branchName(node: AvroNode): string {
  return 'name' in node ? node.name : node.kind;
}

/** The schema for avsc: each named type whole where it first stands, by its full name after that. */
export function plainSchema(node: AvroNode, seen: Set<AvroNode> = new Set()): unknown {
  if ('name' in node) {
    if (seen.has(node)) return node.name;
    seen.add(node);
  }
  switch (node.kind) {
    case 'union':
      return node.branches.map((branch) => plainSchema(branch, seen));
    case 'array':
      return { type: 'array', items: plainSchema(node.items, seen) };
    case 'map':
      return { type: 'map', values: plainSchema(node.values, seen) };
    case 'fixed':
      return { type: 'fixed', name: node.name, aliases: node.aliases, size: node.size };
    case 'enum':
      return { type: 'enum', name: node.name, aliases: node.aliases, symbols: node.symbols, ...defaultOf(node) };
    case 'record':
      return {
        type: 'record',
        name: node.name,
        aliases: node.aliases,
        fields: node.fields.map((field) => ({
          name: field.name,
          type: plainSchema(field.node, seen),
          aliases: field.aliases,
          ...defaultOf(field),
        })),
      };
    default:
      return node.kind;
  }
}

interface Place {
  names: AvroNames;
  namespace: string;
  path: string;
}

function parse(schema: unknown, place: Place): AvroNode {
  if (typeof schema === 'string') return reference(schema, place);
  if (Array.isArray(schema)) {
    return { kind: 'union', branches: schema.map((item, i) => parse(item, inside(place, `[${i}]`))) };
  }
  if (typeof schema !== 'object' || schema === null) throw wrong(place, 'a type is a name, a list or an object');
  const { type, ...rest } = schema as Record<string, unknown>;
  if (typeof type === 'object' && type !== null) return parse(type, inside(place, 'type'));
  switch (type) {
    case 'array':
      return { kind: 'array', items: parse(rest.items, inside(place, 'items')) };
    case 'map':
      return { kind: 'map', values: parse(rest.values, inside(place, 'values')) };
    case 'record':
    case 'error':
      return parseRecord(rest, place);
    case 'enum':
      return parseEnum(rest, place);
    case 'fixed': {
      const { size } = rest;
      if (!Number.isInteger(size) || Number(size) < 0) throw wrong(place, '`size` of a fixed is a whole number');
      return declare({ kind: 'fixed', ...nameOf(rest, place), size: Number(size), ...logicalOf(rest) }, place);
    }
    default:
      if (typeof type !== 'string') throw wrong(place, '`type` is missing');
      return isPrimitive(type) ? { kind: type, ...logicalOf(rest) } : reference(type, place);
  }
}

function parseRecord(rest: Record<string, unknown>, place: Place): AvroNode {
  if (!Array.isArray(rest.fields)) throw wrong(place, 'a record has a list of `fields`');
  const named = nameOf(rest, place);
  // Declared before its fields are read: they may refer to it.
  const record = declare({ kind: 'record', ...named, fields: [] as AvroField[] }, place);
  const namespace = named.name.includes('.') ? named.name.slice(0, named.name.lastIndexOf('.')) : '';
  for (const field of rest.fields as Record<string, unknown>[]) {
    if (typeof field?.name !== 'string') throw wrong(place, 'each field has a `name`');
    const at = { ...inside(place, `fields.${field.name}`), namespace };
    record.fields.push({
      name: field.name,
      // A logical type beside a field's type, not inside it, is a common slip: the specification ignores it.
      node: parse(field.type, at),
      aliases: strings(field.aliases),
      ...('default' in field ? { default: field.default } : {}),
    });
  }
  return record;
}

function parseEnum(rest: Record<string, unknown>, place: Place): AvroNode {
  const symbols = strings(rest.symbols);
  if (symbols.length === 0) throw wrong(place, 'an enum has a list of `symbols`');
  const fallback = typeof rest.default === 'string' ? { default: rest.default } : {};
  return declare({ kind: 'enum', ...nameOf(rest, place), symbols, ...fallback }, place);
}

function reference(name: string, place: Place): AvroNode {
  if (isPrimitive(name)) return { kind: name };
  const { names } = place;
  const found = (place.namespace && !name.includes('.') && names.get(`${place.namespace}.${name}`)) || names.get(name);
  if (found) return found;
  const known = [...names.keys()];
  throw wrong(place, `the type \`${name}\` is not known${known.length ? ` (known: ${known.join(', ')})` : ''}`);
}

function declare<N extends AvroNode & Named>(node: N, { names, path }: Place): N {
  if (names.has(node.name)) throw wrong({ path }, `the type \`${node.name}\` is declared twice`);
  names.set(node.name, node);
  return node;
}

function nameOf(rest: Record<string, unknown>, place: Place): Named {
  if (typeof rest.name !== 'string' || rest.name === '')
    throw wrong(place, 'a record, an enum and a fixed have a `name`');
  const namespace = typeof rest.namespace === 'string' ? rest.namespace : place.namespace;
  const name = qualify(rest.name, namespace);
  const own = name.includes('.') ? name.slice(0, name.lastIndexOf('.')) : '';
  return { name, aliases: strings(rest.aliases).map((alias) => qualify(alias, own)) };
}

function logicalOf({ logicalType, precision, scale }: Record<string, unknown>): Logical {
  if (typeof logicalType !== 'string') return {};
  return {
    logical: logicalType,
    ...(typeof precision === 'number' ? { precision } : {}),
    ...(typeof scale === 'number' ? { scale } : {}),
  };
}

function qualify(name: string, namespace: string): string {
  return name.includes('.') || namespace === '' ? name : `${namespace}.${name}`;
}

function defaultOf(holder: { default?: unknown }): { default?: unknown } {
  return 'default' in holder ? { default: holder.default } : {};
}

function strings(value: unknown): string[] {
  return Array.isArray(value) ? value.filter((item) => typeof item === 'string') : [];
}

function isPrimitive(name: string): name is AvroPrimitive['kind'] {
  return (PRIMITIVES as readonly string[]).includes(name);
}

function inside(place: Place, step: string): Place {
  const dot = place.path === '' || step.startsWith('[') ? '' : '.';
  return { ...place, path: `${place.path}${dot}${step}` };
}

function wrong({ path }: { path: string }, what: string): Error {
  return new Error(path ? `${path}: ${what}` : what);
}
