/** JSON Schema, judged by the library `ajv`. */
import { isQaError, QaError } from '../../core/errors.ts';
import { loadPeer, type Peer } from '../../core/peer.ts';
import type { CodecSetup } from '../codec.ts';
import { decodeJson } from '../decoders/json.ts';
import { encodeJson } from '../encoders/json.ts';
import { at, show } from '../mismatch.ts';
import { invalidSchema, once, readJsonSchema } from './file.ts';
import { type MessageSchema, type SchemaFormat, type SchemaText, single } from './message-schema.ts';

export const AJV: Peer = { name: 'ajv', range: '>=8.12 <9' };

export type JsonSchema = boolean | { readonly [key: string]: unknown };

interface Violation {
  instancePath: string;
  keyword: string;
  params: Record<string, unknown>;
  message?: string;
}
type Validate = ((value: unknown) => boolean) & { errors?: Violation[] | null };
interface Ajv {
  compile(schema: JsonSchema): Validate;
  addSchema(schema: JsonSchema, key: string): void;
}
type AjvModule = { default: new (options: object) => Ajv };

export const jsonFormat: SchemaFormat = {
  type: 'JSON',
  hasIndexes: false,
  compile: (text, references, setup) => single(jsonMessage(JSON.parse(text), references, setup)),
};

export function openJsonSchema(source: string | JsonSchema, setup: CodecSetup): MessageSchema {
  const { file, schema } = readJsonSchema(source as string | object, 'json()', setup);
  const make = () => {
    try {
      return jsonMessage(schema as JsonSchema, [], setup);
    } catch (cause) {
      if (isQaError(cause)) throw cause;
      throw invalidSchema('json()', file, (cause as Error).message, setup, cause);
    }
  };
  return file === undefined ? make() : once('json', [file], make);
}

function jsonMessage(schema: JsonSchema, references: readonly SchemaText[], setup: CodecSetup): MessageSchema {
  const ajv = makeAjv(schema, setup);
  for (const { name, text } of references) ajv.addSchema(JSON.parse(text), name);
  const validate = ajv.compile(schema);
  const check = (value: unknown, path: string): void => {
    if (!validate(value)) throw new Error(explain(validate.errors ?? [], value, path));
  };
  const title = typeof schema === 'object' && typeof schema.title === 'string' ? schema.title : undefined;
  return {
    recordName: title,
    encode(value, part) {
      const bytes = encodeJson(value, part);
      // What is judged is what is sent: a Date goes as its text, `undefined` not at all.
      check(JSON.parse(bytes.toString()), part);
      return bytes;
    },
    decode(bytes) {
      const value = decodeJson(bytes);
      check(value, 'value');
      return value;
    },
  };
}

/** The draft is the one that `$schema` names; without, draft 7. */
function makeAjv(schema: JsonSchema, setup: CodecSetup): Ajv {
  const use = { from: setup.baseDir, by: 'json({ schema })', connection: setup.connection };
  const draft = typeof schema === 'object' && typeof schema.$schema === 'string' ? schema.$schema : '';
  const path = draft.includes('2020-12') ? 'dist/2020' : draft.includes('2019-09') ? 'dist/2019' : undefined;
  if (draft.includes('draft-04') || draft.includes('draft-06')) {
    throw new Error(`\`$schema\` is ${draft}, but drafts 7, 2019-09 and 2020-12 are read. Name one of these`);
  }
  const { default: Ajv } = loadPeer<AjvModule>(AJV, use, path);
  const ajv = new Ajv({ strict: false, allErrors: true, logger: false, validateFormats: true });
  addFormats(ajv, setup);
  return ajv;
}

/** `format` is a remark by the standard; where `ajv-formats` is installed it is judged too. */
function addFormats(ajv: Ajv, setup: CodecSetup): void {
  let add: { default: (ajv: Ajv) => void };
  try {
    add = loadPeer({ name: 'ajv-formats', range: '>=3' }, { from: setup.baseDir, by: 'json({ schema })' });
  } catch (error) {
    if (error instanceof QaError && error.code === 'QA_DRIVER_MISSING') return;
    throw error;
  }
  add.default(ajv);
}

/** Violations of one line each: `value.items[2].price: expected number, got '12'`. */
function explain(violations: readonly Violation[], value: unknown, root: string): string {
  const lines = violations.slice(0, 5).map((violation) => {
    const steps = violation.instancePath
      .split('/')
      .slice(1)
      .map((step) => step.replaceAll('~1', '/').replaceAll('~0', '~'));
    let here = value;
    let path = root;
    for (const step of steps) {
      path = at(path, Array.isArray(here) ? Number(step) : step);
      here = (here as Record<string, unknown>)[step];
    }
    return line(violation, path, here);
  });
  const more = violations.length - lines.length;
  return [...lines, ...(more > 0 ? [`and ${more} more`] : [])].join('; ');
}

function line({ keyword, params, message }: Violation, path: string, here: unknown): string {
  if (keyword === 'type') return `${path}: expected ${[params.type].flat().join(' or ')}, got ${show(here)}`;
  if (keyword === 'required') return `${at(path, String(params.missingProperty))}: expected a value, got nothing`;
  if (keyword === 'additionalProperties')
    return `${at(path, String(params.additionalProperty))}: the schema has no such property`;
  if (keyword === 'enum')
    return `${path}: expected one of ${(params.allowedValues as unknown[]).map(show).join(', ')}, got ${show(here)}`;
  return `${path}: ${message ?? `breaks \`${keyword}\``}, got ${show(here)}`;
}
