/** Types of CQL as trees: from the text that the schema tables hold, or from what a result announces. */

export type Type =
  | { kind: 'scalar'; name: string }
  | { kind: 'list' | 'set' | 'vector'; of: Type; frozen: boolean }
  | { kind: 'map'; key: Type; value: Type; frozen: boolean }
  | { kind: 'tuple'; of: readonly Type[] }
  | { kind: 'udt'; name: string; fields: readonly Field[] };

export interface Field {
  name: string;
  type: Type;
}

/** Texts of the fields' types, by name of the type. */
export type UserTypes = ReadonlyMap<string, readonly { name: string; type: string }[]>;

/** `frozen<map<text, int>>` */
export function parseType(text: string, userTypes: UserTypes): Type {
  const tokens = text.match(/"(?:[^"]|"")*"|'[^']*'|[<>,]|[^\s<>,]+/g) ?? [];
  let at = 0;
  const read = (frozen: boolean): Type => {
    const token = tokens[at]!;
    at += 1;
    const name = token.startsWith('"') ? token.slice(1, -1).replaceAll('""', '"') : token;
    const parts: Type[] = [];
    if (tokens[at] === '<') {
      do {
        at += 1;
        // The dimension of a vector is a number.
        if (/^\d+$/.test(tokens[at] ?? '')) at += 1;
        else parts.push(read(frozen || name === 'frozen'));
      } while (tokens[at] === ',');
      at += 1;
    }
    const [first, second] = parts;
    switch (token) {
      case 'frozen':
        return first!;
      case 'list':
      case 'set':
      case 'vector':
        return { kind: token, of: first!, frozen };
      case 'map':
        return { kind: 'map', key: first!, value: second!, frozen };
      case 'tuple':
        return { kind: 'tuple', of: parts };
    }
    const fields = userTypes.get(name);
    if (fields === undefined) return { kind: 'scalar', name };
    return {
      kind: 'udt',
      name,
      fields: fields.map((field) => ({ name: field.name, type: parseType(field.type, userTypes) })),
    };
  };
  return read(false);
}

/** As a result of the driver says it. */
export interface Announced {
  code: number;
  info?: unknown;
}

/** Codes of the protocol. */
const NAMES: Readonly<Record<number, string>> = {
  1: 'ascii',
  2: 'bigint',
  3: 'blob',
  4: 'boolean',
  5: 'counter',
  6: 'decimal',
  7: 'double',
  8: 'float',
  9: 'int',
  10: 'text',
  11: 'timestamp',
  12: 'uuid',
  13: 'text',
  14: 'varint',
  15: 'timeuuid',
  16: 'inet',
  17: 'date',
  18: 'time',
  19: 'smallint',
  20: 'tinyint',
  21: 'duration',
};

export function announcedType({ code, info }: Announced): Type {
  switch (code) {
    case 32:
    case 34:
      return { kind: code === 32 ? 'list' : 'set', of: announcedType(info as Announced), frozen: false };
    case 33: {
      const [key, value] = info as [Announced, Announced];
      return { kind: 'map', key: announcedType(key), value: announcedType(value), frozen: false };
    }
    case 48: {
      const { name, fields } = info as { name: string; fields: { name: string; type: Announced }[] };
      return {
        kind: 'udt',
        name,
        fields: fields.map((field) => ({ name: field.name, type: announcedType(field.type) })),
      };
    }
    case 49:
      return { kind: 'tuple', of: (info as Announced[]).map(announcedType) };
    case 0:
      return custom(String(info));
  }
  return { kind: 'scalar', name: NAMES[code] ?? 'unknown' };
}

/** Types that the protocol knows only by the server's classes. */
function custom(name: string): Type {
  if (/\.DurationType$/.test(name)) return { kind: 'scalar', name: 'duration' };
  const vector = /\.VectorType\((.*),\s*\d+\s*\)$/.exec(name);
  if (vector) return { kind: 'vector', of: custom(vector[1]!.trim()), frozen: true };
  const scalar = /\.(\w+)Type$/.exec(name)?.[1] ?? '';
  return { kind: 'scalar', name: CLASSES[scalar] ?? scalar.toLowerCase() };
}

const CLASSES: Readonly<Record<string, string>> = {
  Int32: 'int',
  Long: 'bigint',
  Short: 'smallint',
  Byte: 'tinyint',
  UTF8: 'text',
  Bytes: 'blob',
  Integer: 'varint',
  SimpleDate: 'date',
  InetAddress: 'inet',
  TimeUUID: 'timeuuid',
};

/** As CQL writes it. */
export function printType(type: Type): string {
  switch (type.kind) {
    case 'scalar':
    case 'udt':
      return type.name;
    case 'map':
      return `map<${printType(type.key)}, ${printType(type.value)}>`;
    case 'tuple':
      return `tuple<${type.of.map(printType).join(', ')}>`;
    default:
      return `${type.kind}<${printType(type.of)}>`;
  }
}
