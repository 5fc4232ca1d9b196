import { boolean, list, nonEmpty, object, optional } from '../../core/check.ts';
import type { Codec, CodecSetup } from '../codec.ts';
import { registryCodec } from '../registry/lazy.ts';
import { type RegistryUse, registryKeys } from '../registry/options.ts';
import { invalidSchema, readSchema } from '../schemas/file.ts';
import type { MessageSchema, SchemaText } from '../schemas/message-schema.ts';
import { openProto, protobufFormat } from '../schemas/protobuf.ts';

export interface ProtobufOptions {
  /** Folders that imports start from, besides the importing file's own and the config's. */
  importPaths?: readonly string[];
  /** Names of fields as the file writes them (`order_id`). Default: false, as `orderId`. */
  keepCase?: boolean;
}

export interface ProtobufRegistryOptions extends RegistryUse, ProtobufOptions {
  /** A `.proto` file: sent with, and read as. Default: the subject's latest; the writer's. */
  schema?: string;
  /** Full name of the message. Default: the schema's first, when sending; whichever came, when reading. */
  message?: string;
}

const shared = { importPaths: optional(list(nonEmpty)), keepCase: optional(boolean) };
const fileShape = object({ file: nonEmpty, message: nonEmpty, ...shared });
const registryShape = object({ schema: optional(nonEmpty), message: optional(nonEmpty), ...shared, ...registryKeys });

/**
 * Protobuf, through the library `protobufjs`. Enums are seen as their names, 64 bits as a number, or a bigint beyond
 * 2^53, `google.protobuf.Timestamp` as a Date, `bytes` as a Buffer. A field without presence that was not sent shows
 * its default; one with presence is not there.
 *
 * @param message full name: `shop.Shipped`
 * @example
 * topics: { shipped: { value: protobuf<Shipped>('./shipped.proto', 'shop.Shipped') } }
 * @throws QaError on opening: QA_MESSAGE_SCHEMA, QA_DRIVER_MISSING
 */
export function protobuf<T = unknown, In = T>(file: string, message: string, options?: ProtobufOptions): Codec<T, In>;
export function protobuf<T = unknown, In = T>(options: ProtobufRegistryOptions): Codec<T, In>;
export function protobuf<T, In>(
  first: string | ProtobufRegistryOptions,
  message?: string,
  options?: ProtobufOptions,
): Codec<T, In> {
  const codec: Codec<unknown> = {
    name: 'protobuf',
    input: typeof first === 'string' ? { file: first, message, ...options } : { ...first },
    prepare(setup) {
      const input = this.input!;
      return 'registry' in input ? fromRegistry(input, setup) : fromFile(input, setup);
    },
  };
  return codec as Codec<T, In>;
}

function fromFile(input: object, setup: CodecSetup): Codec {
  const { file, message, ...parsing } = fileShape(input, 'protobuf()');
  const schema = find(file, message, parsing, setup);
  return {
    name: `protobuf ${message}`,
    isSync: true,
    encode: (value, { part }) => schema.encode(value, part),
    decode: (bytes) => schema.decode(bytes),
  };
}

function find(file: string, message: string, parsing: ProtobufOptions, setup: CodecSetup): MessageSchema {
  const document = openProto(file, parsing, setup);
  try {
    return document.find(message).schema;
  } catch (cause) {
    throw invalidSchema('protobuf()', file, (cause as Error).message, setup, cause);
  }
}

function fromRegistry(input: object, setup: CodecSetup): Promise<Codec<unknown, unknown>> {
  const { schema, message, importPaths, keepCase, ...use } = registryShape(input, 'protobuf()');
  const format = protobufFormat({ keepCase });
  const local = (references: readonly SchemaText[]) => {
    const { text } = readSchema(schema!, 'protobuf()', setup);
    if (message !== undefined && !use.references)
      find(schema!, message, { ...(importPaths && { importPaths }) }, setup);
    const document = use.references
      ? format.compile(text, references, setup)
      : openProto(schema!, { importPaths, keepCase }, setup);
    return { document, text };
  };
  const name = message === undefined ? 'protobuf of the registry' : `protobuf ${message} of the registry`;
  return registryCodec({ name, format, use, message, local: schema === undefined ? undefined : local }, setup);
}
