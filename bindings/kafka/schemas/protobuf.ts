/** Protobuf schemas, read by the library `protobufjs`, and the messages in them. */
import { existsSync } from 'node:fs';
import { dirname, isAbsolute, join, resolve } from 'node:path';
import type * as Protobuf from 'protobufjs';
import { isQaError } from '../../core/errors.ts';
import { loadPeer, type Peer } from '../../core/peer.ts';
import { didYouMean } from '../../core/suggest.ts';
import type { CodecSetup } from '../codec.ts';
import { fromProto } from '../decoders/protobuf.ts';
import { toProto } from '../encoders/protobuf.ts';
import { invalidSchema, once, readSchema } from './file.ts';
import type { MessageSchema, SchemaDocument, SchemaFormat } from './message-schema.ts';

export const PROTOBUFJS: Peer = { name: 'protobufjs', range: '>=7.5 <9' };

export interface ProtoParsing {
  /** Folders that imports start from, besides the importing file's own and the config's. */
  importPaths?: readonly string[] | undefined;
  /** Names as the file writes them (`order_id`). Default: false, as `orderId`. */
  keepCase?: boolean | undefined;
}

export function protobufFormat({ keepCase = false }: ProtoParsing): SchemaFormat {
  return {
    type: 'PROTOBUF',
    hasIndexes: true,
    compile(text, references, setup) {
      const lib = load(setup);
      const root = new lib.Root();
      for (const part of references) parseInto(lib, root, part.text, part.name, keepCase);
      parseInto(lib, root, text, MAIN, keepCase);
      root.resolveAll();
      return new ProtoDocument(root, MAIN);
    },
  };
}

/** A `.proto` file with all that it imports. */
export function openProto(
  path: string,
  { importPaths = [], keepCase = false }: ProtoParsing,
  setup: CodecSetup,
): SchemaDocument {
  const { file } = readSchema(path, 'protobuf()', setup);
  const folders = [...importPaths.map((folder) => resolve(setup.baseDir, folder)), setup.baseDir];
  const make = () => {
    const root = new (load(setup).Root)();
    root.resolvePath = (origin, target) => (origin ? findImport(target, origin, folders) : target);
    try {
      root.loadSync(file, { keepCase }).resolveAll();
    } catch (cause) {
      if (isQaError(cause)) throw cause;
      throw invalidSchema('protobuf()', file, (cause as Error).message, setup, cause);
    }
    return new ProtoDocument(root, file);
  };
  return once(`proto ${keepCase} ${folders}`, [file], make, (document) => document.files);
}

/** Name of the text that is asked for, among those that it refers to. */
const MAIN = 'schema.proto';

class ProtoDocument implements SchemaDocument {
  readonly files: readonly string[];
  readonly #root: Protobuf.Root;
  readonly #main: string;
  readonly #messages = new Map<Protobuf.Type, MessageSchema>();

  constructor(root: Protobuf.Root, main: string) {
    this.files = root.files.filter((file) => isAbsolute(file));
    this.#root = root;
    this.#main = main;
  }

  at(indexes: readonly number[]): MessageSchema {
    let types = this.#top();
    let type: Protobuf.Type | undefined;
    for (const index of indexes) {
      type = types[index];
      if (!type) break;
      types = typesIn(type);
    }
    if (!type) throw new Error(`the schema has no message at [${indexes.join(', ')}]`);
    return this.#message(type);
  }

  find(name: string | undefined): { schema: MessageSchema; indexes: readonly number[] } {
    const all = allTypes(this.#root);
    const type = name === undefined ? this.#top()[0] : all.find((candidate) => fullName(candidate) === name);
    if (!type) {
      const known = all.map(fullName).filter((known) => !known.startsWith('google.protobuf.'));
      throw new Error(`it has no message \`${name ?? ''}\`. ${didYouMean(name ?? '', known)}`);
    }
    return { schema: this.#message(type), indexes: this.#indexesOf(type) };
  }

  #indexesOf(type: Protobuf.Type): number[] {
    const { parent } = type;
    if (parent === null || !isType(parent)) return [this.#top().indexOf(type)];
    return [...this.#indexesOf(parent), typesIn(parent).indexOf(type)];
  }

  /** Messages of the file itself, not of what it imports, in its order. */
  #top(): Protobuf.Type[] {
    return allTypes(this.#root).filter((type) => type.filename === this.#main && !(type.parent && isType(type.parent)));
  }

  #message(type: Protobuf.Type): MessageSchema {
    let message = this.#messages.get(type);
    if (!message) {
      message = {
        recordName: fullName(type),
        encode: (value, part) => {
          const bytes = type.encode(toProto(type, value, part) as Protobuf.Message).finish();
          return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
        },
        decode: (bytes) => fromProto(type, type.decode(bytes) as unknown as Record<string, unknown>),
      };
      this.#messages.set(type, message);
    }
    return message;
  }
}

function load({ baseDir, connection }: CodecSetup): typeof Protobuf {
  return loadPeer<typeof Protobuf>(PROTOBUFJS, { from: baseDir, by: 'protobuf()', connection });
}

function parseInto(lib: typeof Protobuf, root: Protobuf.Root, text: string, name: string, keepCase: boolean): void {
  // The library notes this name on all that it reads from the text.
  (lib.parse as { filename?: string | null }).filename = name;
  const { imports = [], weakImports = [] } = lib.parse(text, root, { keepCase });
  for (const path of [...imports, ...weakImports]) {
    const common = lib.common.get(path);
    if (common?.nested && !root.files.includes(path)) {
      root.files.push(path);
      root.addJSON(common.nested);
    }
  }
}

function findImport(target: string, origin: string, folders: readonly string[]): string {
  const places = [dirname(origin), ...folders].map((folder) => join(folder, target));
  const found = places.find((place) => existsSync(place));
  if (found) return found;
  throw new Error(
    `${origin} imports "${target}", which is in none of ${[...new Set(places.map((place) => place.slice(0, -target.length)))].join(', ')}. Name its folder in \`importPaths\``,
  );
}

function allTypes(namespace: Protobuf.NamespaceBase): Protobuf.Type[] {
  return namespace.nestedArray.flatMap((item) => {
    const inner = 'nestedArray' in item ? allTypes(item as Protobuf.NamespaceBase) : [];
    return isType(item) ? [item, ...inner] : inner;
  });
}

function typesIn(type: Protobuf.Type): Protobuf.Type[] {
  return type.nestedArray.filter(isType);
}

/** By shape: the library may be loaded more than once. */
function isType(item: Protobuf.ReflectionObject): item is Protobuf.Type {
  return 'fieldsArray' in item;
}

function fullName(type: Protobuf.Type): string {
  return type.fullName.replace(/^\./, '');
}
