import { list, object, optional } from '../../core/check.ts';
import type { Codec, CodecSetup } from '../codec.ts';
import { registryCodec } from '../registry/lazy.ts';
import { type RegistryUse, registryKeys, schemaSource } from '../registry/options.ts';
import type { AvroSchema } from '../schemas/avro.ts';
import { avroFormat, openAvro } from '../schemas/avro-message.ts';
import { readSchema } from '../schemas/file.ts';
import { type SchemaText, single } from '../schemas/message-schema.ts';

export interface AvroOptions {
  /** What the bytes were written with, where that is another schema: they are resolved to this one. */
  writer?: string | AvroSchema;
  /** Schemas that this one refers to by name, each after the ones that it needs itself. */
  types?: readonly (string | AvroSchema)[];
}

export interface AvroRegistryOptions extends RegistryUse {
  /** Sent with, and read as: what other versions wrote is resolved to it. Default: the subject's latest; the writer's. */
  schema?: string | AvroSchema;
}

const fileShape = object({ source: schemaSource, writer: optional(schemaSource), types: optional(list(schemaSource)) });
const registryShape = object({ schema: optional(schemaSource), ...registryKeys });

/**
 * Avro, through the library `avsc`. Seen and written as: `date` `'2026-01-31'`, `time-*` `'10:15:30.250'`,
 * `timestamp-*` a Date, `local-timestamp-*` its text, `decimal` a {@link Decimal} (written as a number, bigint or text too),
 * `uuid` its text, `bytes` and `fixed` a Buffer, `long` a number, or a bigint beyond 2^53. A union is just its value;
 * where two records would fit, name one: `{ 'shop.Card': { … } }`.
 *
 * @example
 * topics: {
 *   payments: { value: avro<Payment>('./payment.avsc') },
 *   audit: { value: avro({ registry: 'http://127.0.0.1:8081' }) },
 * }
 * @throws QaError on opening: QA_MESSAGE_SCHEMA, QA_DRIVER_MISSING
 */
export function avro<T = unknown, In = T>(schema: string | AvroSchema, options?: AvroOptions): Codec<T, In>;
export function avro<T = unknown, In = T>(options: AvroRegistryOptions): Codec<T, In>;
export function avro<T, In>(first: string | AvroSchema | AvroRegistryOptions, options?: AvroOptions): Codec<T, In> {
  const isRegistry = typeof first === 'object' && 'registry' in first;
  const codec: Codec<unknown> = {
    name: 'avro',
    input: isRegistry ? { ...first } : { source: first, ...options },
    prepare(setup) {
      return isRegistry ? fromRegistry(this.input!, setup) : fromFile(this.input!, setup);
    },
  };
  return codec as Codec<T, In>;
}

function fromFile(input: object, setup: CodecSetup): Codec {
  const { source, writer, types = [] } = fileShape(input, 'avro()');
  const message = openAvro(asSchema(source), types.map(asSchema), setup);
  const written = writer === undefined ? undefined : openAvro(asSchema(writer), types.map(asSchema), setup);
  return {
    name: ['avro', typeof source === 'string' ? source : message.recordName].filter(Boolean).join(' '),
    isSync: true,
    encode: (value, { part }) => message.encode(value, part),
    decode: (bytes) => message.decode(bytes, written),
  };
}

function fromRegistry(input: object, setup: CodecSetup): Promise<Codec<unknown, unknown>> {
  const { schema, ...use } = registryShape(input, 'avro()');
  const local = (references: readonly SchemaText[]) => {
    const text = typeof schema === 'string' ? readSchema(schema, 'avro()', setup).text : JSON.stringify(schema);
    const document = use.references
      ? avroFormat.compile(text, references, setup)
      : single(openAvro(asSchema(schema!), [], setup));
    return { document, text };
  };
  const options = {
    name: 'avro of the registry',
    format: avroFormat,
    use,
    local: schema === undefined ? undefined : local,
  };
  return registryCodec(options, setup);
}

/** What the checks have let through. */
function asSchema(source: string | object): string | AvroSchema {
  return source as string | AvroSchema;
}
