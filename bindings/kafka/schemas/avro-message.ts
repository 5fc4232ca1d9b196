import { QaError } from '../../core/errors.ts';
import type { CodecSetup } from '../codec.ts';
import { fromAvro } from '../decoders/avro.ts';
import { type AvroCheck, avroCheck } from '../decoders/avro-check.ts';
import { toAvro } from '../encoders/avro.ts';
import { type AvroNames, type AvroNode, type AvroSchema, parseAvro } from './avro.ts';
import { type AvscResolver, type AvscType, avscType } from './avsc.ts';
import { invalidSchema, once, readJsonSchema } from './file.ts';
import { type MessageSchema, type SchemaFormat, single } from './message-schema.ts';

export const avroFormat: SchemaFormat = {
  type: 'AVRO',
  hasIndexes: false,
  compile(text, references, setup) {
    const names: AvroNames = new Map();
    for (const reference of references) parseAvro(JSON.parse(reference.text), names);
    return single(new AvroMessage(parseAvro(jsonOrName(text), names), setup));
  },
};

/** A schema from a file or as it is; `types` are other ones that it refers to, in the order of their needs. */
export function openAvro(
  source: string | AvroSchema,
  types: readonly (string | AvroSchema)[],
  setup: CodecSetup,
): MessageSchema {
  const parts = [...types, source].map((part) => readJsonSchema(part as string | object, 'avro()', setup));
  const make = () => {
    const names: AvroNames = new Map();
    let last: AvroNode | undefined;
    for (const { schema, file } of parts) {
      try {
        last = parseAvro(schema as AvroSchema, names);
      } catch (cause) {
        throw invalidSchema('avro()', file, (cause as Error).message, setup, cause);
      }
    }
    try {
      return new AvroMessage(last!, setup);
    } catch (cause) {
      if (cause instanceof QaError) throw cause;
      throw invalidSchema('avro()', parts.at(-1)!.file, (cause as Error).message, setup, cause);
    }
  };
  const files = parts.map((part) => part.file).filter((file) => file !== undefined);
  return files.length === parts.length ? once('avro', files, make) : make();
}

class AvroMessage implements MessageSchema {
  readonly recordName: string | undefined;
  readonly #node: AvroNode;
  readonly #type: AvscType;
  readonly #check: AvroCheck;
  readonly #shape: (raw: unknown) => unknown;
  readonly #resolvers = new WeakMap<AvroMessage, AvscResolver>();

  constructor(node: AvroNode, setup: CodecSetup) {
    this.recordName = 'name' in node ? node.name : undefined;
    this.#node = node;
    this.#type = avscType(node, setup);
    this.#check = avroCheck(node);
    this.#shape = fromAvro(node);
  }

  encode(value: unknown, part: string): Buffer {
    return this.#type.toBuffer(toAvro(this.#node, value, part));
  }

  decode(bytes: Buffer, writer: MessageSchema = this): unknown {
    if (writer === this || !(writer instanceof AvroMessage)) {
      this.#check(bytes);
      return this.#shape(this.#type.fromBuffer(bytes));
    }
    writer.#check(bytes);
    return this.#shape(this.#type.fromBuffer(bytes, this.#resolver(writer)));
  }

  #resolver(writer: AvroMessage): AvscResolver {
    let resolver = this.#resolvers.get(writer);
    if (!resolver) {
      try {
        // Since Avro 1.9 records fit by their names without namespace.
        resolver = this.#type.createResolver(writer.#type, { ignoreNamespaces: true });
      } catch (cause) {
        throw new QaError('QA_MESSAGE_SCHEMA', {
          what: `What was written as ${writer.recordName ?? "the writer's schema"} cannot be read as ${this.recordName ?? "the reader's schema"}: ${(cause as Error).message}`,
          mend: 'Give the new fields a default, or correct the schema that the test reads with',
          cause,
        });
      }
      this.#resolvers.set(writer, resolver);
    }
    return resolver;
  }
}

/** A registry holds `"string"` or, from some clients, the bare word. */
function jsonOrName(text: string): AvroSchema {
  return /^\s*[\w.]+\s*$/.test(text) ? text.trim() : JSON.parse(text);
}
