/** The codec of all three formats on a registry. */
import { QaError } from '../../core/errors.ts';
import type { Codec, CodecContext, CodecSetup } from '../codec.ts';
import type { MessageSchema, SchemaDocument, SchemaFormat, SchemaText } from '../schemas/message-schema.ts';
import { type RegisteredSchema, type RegistryClient, registryClient } from './client.ts';
import { type CheckedUse, registryTarget, type SubjectStrategy } from './options.ts';
import { headerName, readSchemaId, type SchemaId, writeHeader, writePrefix } from './wire.ts';

export interface RegistryCodecOptions {
  name: string;
  format: SchemaFormat;
  use: CheckedUse;
  /** The test's own schema: sent with, and read as. `references` are the texts of the ones that `use` names. */
  local: ((references: readonly SchemaText[]) => { document: SchemaDocument; text: string }) | undefined;
  /** Protobuf: the message that is sent and expected. */
  message?: string | undefined;
}

interface Writer {
  registered: RegisteredSchema;
  schema: MessageSchema;
  indexes: readonly number[];
}

export async function registryCodec(
  options: RegistryCodecOptions,
  setup: CodecSetup,
): Promise<Codec<unknown, unknown>> {
  const { name, format, use } = options;
  if (use.register && !options.local) {
    throw new QaError('QA_CONFIG', {
      what: `${name}: \`register\` needs a schema to register`,
      mend: 'Give `schema`, or leave `register` out',
      connection: setup.connection,
    });
  }
  const client = registryClient(registryTarget(use.registry, setup));
  const readReferences = use.references ? await client.references(use.references) : [];
  const local = options.local?.(readReferences);
  const reader =
    local && (options.message !== undefined || !format.hasIndexes)
      ? local.document.find(options.message).schema
      : undefined;
  const documents = new Documents(client, format, setup);

  const writerFor = async (context: CodecContext): Promise<Writer> => {
    const own = local?.document.find(options.message);
    const subject = subjectOf(
      use.subject as SubjectStrategy | undefined,
      context,
      own?.schema.recordName ?? options.message,
      name,
    );
    if (local && own) {
      const schema = { type: format.type, text: local.text, references: use.references ?? [] };
      return {
        ...own,
        registered: await (use.register ? client.register(subject, schema) : client.lookUp(subject, schema)),
      };
    }
    const registered = await client.latest(subject);
    return { ...documents.compile(registered).find(options.message), registered };
  };

  return {
    name,
    async encode(value, context) {
      const { registered, schema, indexes } = await writerFor(context);
      const payload = schema.encode(value, context.part);
      if (use.idIn === 'headers') {
        if (!registered.guid)
          throw incomplete(client, setup, 'guid', "Use a newer registry, or leave `idIn: 'headers'` out");
        context.headers[headerName(context.part)] = writeHeader(registered.guid, indexes, format.hasIndexes);
        return payload;
      }
      const { id } = registered;
      if (id === undefined) throw incomplete(client, setup, 'id', 'See whether the address is a schema registry');
      return Buffer.concat([writePrefix({ id, indexes }, format.hasIndexes), payload]);
    },
    decode(bytes, { headers, part }) {
      const { schema: id, payload } = readSchemaId(bytes, headers, part, format.hasIndexes);
      const read = (document: SchemaDocument) => {
        const writer = document.at(id.indexes);
        if (options.message !== undefined && writer.recordName !== options.message) {
          throw new Error(`the message is a ${writer.recordName}, not a ${options.message}`);
        }
        return (reader ?? writer).decode(payload, writer);
      };
      // A schema that is known already is read at once: the recorder then stays synchronous.
      const known = documents.known(id);
      return known ? read(known) : documents.fetch(id).then(read);
    },
  };
}

/** Compiled schemas by id. */
class Documents {
  readonly #client: RegistryClient;
  readonly #format: SchemaFormat;
  readonly #setup: CodecSetup;
  readonly #byId = new Map<string, SchemaDocument>();
  readonly #compiled = new Map<string, SchemaDocument>();

  constructor(client: RegistryClient, format: SchemaFormat, setup: CodecSetup) {
    this.#client = client;
    this.#format = format;
    this.#setup = setup;
  }

  known(id: SchemaId): SchemaDocument | undefined {
    return this.#byId.get(keyOf(id));
  }

  async fetch(id: SchemaId): Promise<SchemaDocument> {
    const registered = await (id.guid !== undefined ? this.#client.byGuid(id.guid) : this.#client.byId(id.id!));
    const document = this.compile(registered);
    this.#byId.set(keyOf(id), document);
    return document;
  }

  compile(registered: RegisteredSchema): SchemaDocument {
    const label = `schema ${registered.id ?? registered.guid}`;
    if (registered.type !== this.#format.type) {
      throw this.#wrong(
        `${label} is of type ${registered.type}, not ${this.#format.type}`,
        'Declare the topic with the codec of that type',
      );
    }
    const key = JSON.stringify([registered.schema, registered.references]);
    let document = this.#compiled.get(key);
    if (!document) {
      try {
        document = this.#format.compile(registered.schema, registered.references, this.#setup);
      } catch (cause) {
        throw this.#wrong(`${label} cannot be used: ${(cause as Error).message}`, 'Correct it in the registry', cause);
      }
      this.#compiled.set(key, document);
    }
    return document;
  }

  #wrong(what: string, mend: string, cause?: unknown): QaError {
    return new QaError('QA_MESSAGE_SCHEMA', {
      what: `The schema registry ${this.#client.address}: ${what}`,
      mend,
      cause,
    });
  }
}

function subjectOf(
  strategy: SubjectStrategy = 'topic',
  context: CodecContext,
  recordName: string | undefined,
  codec: string,
): string {
  if (typeof strategy === 'function') return strategy(context, recordName);
  const { topic, part } = context;
  const missing = (what: string, mend: string) =>
    new QaError('QA_MISUSE', {
      what: `${codec}: the subject strategy \`${strategy}\` needs ${what}, and there is none`,
      mend,
    });
  if (strategy !== 'record' && topic === '') throw missing('a topic', 'Give one: encode(codec, value, { topic })');
  if (strategy === 'topic') return `${topic}-${part}`;
  if (recordName === undefined) {
    throw missing("the record's name", 'Give `schema` (with a name or title) or `message`, or a function as `subject`');
  }
  return strategy === 'record' ? recordName : `${topic}-${recordName}`;
}

function incomplete(client: RegistryClient, { connection }: CodecSetup, what: string, mend: string): QaError {
  return new QaError('QA_REGISTRY', {
    what: `The schema registry ${client.address} gives no ${what} for the schema`,
    mend,
    connection,
  });
}

function keyOf(id: SchemaId): string {
  return id.guid ?? String(id.id);
}
