import { object, optional } from '../../core/check.ts';
import type { Codec, CodecSetup } from '../codec.ts';
import { decodeJson } from '../decoders/json.ts';
import { encodeJson } from '../encoders/json.ts';
import { registryCodec } from '../registry/lazy.ts';
import { type RegistryUse, registryKeys, schemaSource } from '../registry/options.ts';
import { readSchema } from '../schemas/file.ts';
import { type JsonSchema, jsonFormat, openJsonSchema } from '../schemas/json.ts';
import { single } from '../schemas/message-schema.ts';

export interface JsonOptions {
  /**
   * A JSON Schema (draft 7, 2019-09 or 2020-12), or its file from the config's folder. What breaks it is not sent,
   * and not decoded. Needs the library `ajv`; `format` is judged where `ajv-formats` is there too.
   */
  schema?: string | JsonSchema;
}

const fileShape = object({ schema: optional(schemaSource) });
const registryShape = object({ schema: optional(schemaSource), ...registryKeys });

/**
 * JSON, in UTF-8.
 *
 * @example
 * topics: {
 *   orders: { key: text(), value: json<Order>() },
 *   refunds: { value: json<Refund>({ schema: './refund.schema.json' }) },
 *   audit: { value: json({ registry: 'http://127.0.0.1:8081' }) },
 * }
 * @throws QaError on opening: QA_MESSAGE_SCHEMA, QA_DRIVER_MISSING
 */
export function json<T = unknown, In = T>(options?: JsonOptions): Codec<T, In>;
export function json<T = unknown, In = T>(options: JsonOptions & RegistryUse): Codec<T, In>;
export function json<T, In>(options?: JsonOptions | (JsonOptions & RegistryUse)): Codec<T, In> {
  const codec: Codec<unknown> = {
    name: 'json',
    input: { ...options },
    prepare(setup) {
      const input = this.input ?? {};
      return 'registry' in input ? fromRegistry(input, setup) : fromFile(input, setup);
    },
  };
  return codec as Codec<T, In>;
}

function fromFile(input: object, setup: CodecSetup): Codec {
  const { schema } = fileShape(input, 'json()');
  if (schema === undefined) {
    return { name: 'json', isSync: true, encode: (value, { part }) => encodeJson(value, part), decode: decodeJson };
  }
  const message = openJsonSchema(schema as string | JsonSchema, setup);
  return {
    name: typeof schema === 'string' ? `json ${schema}` : 'json with a schema',
    isSync: true,
    encode: (value, { part }) => message.encode(value, part),
    decode: (bytes) => message.decode(bytes),
  };
}

function fromRegistry(input: object, setup: CodecSetup): Promise<Codec<unknown, unknown>> {
  const { schema, ...use } = registryShape(input, 'json()');
  const local = (references: readonly { name: string; text: string }[]) => {
    const text = typeof schema === 'string' ? readSchema(schema, 'json()', setup).text : JSON.stringify(schema);
    const document = use.references
      ? jsonFormat.compile(text, references, setup)
      : single(openJsonSchema(schema as string | JsonSchema, setup));
    return { document, text };
  };
  const options = {
    name: 'json of the registry',
    format: jsonFormat,
    use,
    local: schema === undefined ? undefined : local,
  };
  return registryCodec(options, setup);
}
