/** Codecs made ready: what a client and a recorder call, and what `encode` and `decode` do without Kafka. */
import { types } from 'node:util';
import { QaError } from '../core/errors.ts';
import { resolveReferences } from '../core/reference.ts';
import type { AnyCodec, Codec, CodecContext, CodecSetup, MessageHeaders, Part } from './codec.ts';
import { DecodeError, encodeError } from './failures.ts';
import { show } from './mismatch.ts';

/** A codec that has loaded what it needs. Both directions exist, failures are errors of ours, null stays null. */
export interface ReadyCodec<Out = unknown, In = Out> {
  readonly name: string;
  readonly isSync: boolean;
  readonly isCanonical: boolean;
  /**
   * @throws QaError QA_ENCODE with the path in the value and what was wanted; QA_MISUSE when the codec cannot encode;
   * QA_REGISTRY
   */
  encode(value: In | null | undefined, context: CodecContext): Buffer | null | Promise<Buffer | null>;
  /**
   * Synchronous wherever the codec is: a promise only while something must be looked up (a new schema id).
   *
   * @throws DecodeError (or rejects with it)
   */
  decode(bytes: Buffer | null | undefined, context: CodecContext): Out | null | Promise<Out | null>;
}

/**
 * Loads what a codec needs (schema files, libraries).
 *
 * @throws QaError QA_MESSAGE_SCHEMA for a missing or wrong schema, QA_DRIVER_MISSING for a library
 */
export async function prepareCodec<Out, In>(codec: Codec<Out, In>, setup: CodecSetup): Promise<ReadyCodec<Out, In>> {
  const resolved = codec.input === undefined ? codec : await withInput(codec, codec.input);
  const loaded = resolved.prepare ? await resolved.prepare(setup) : resolved;
  return {
    name: loaded.name,
    isSync: loaded.isSync === true,
    isCanonical: loaded.isCanonical === true,
    encode(value, context) {
      if (value === null || value === undefined) return null;
      if (!loaded.encode) throw oneWay(loaded.name, 'encode', 'sent');
      return attempt(
        () => checked(loaded.encode!(value, context)),
        (error) => encodeError(loaded.name, context, error),
      );
    },
    decode(bytes, context) {
      if (bytes === null || bytes === undefined) return null;
      if (!loaded.decode) throw new DecodeError(loaded.name, bytes, context, oneWay(loaded.name, 'decode', 'read'));
      return attempt(
        () => loaded.decode!(bytes, context),
        (error) => new DecodeError(loaded.name, bytes, context, error),
      );
    },
  };
}

/** The same codec, of the same class, with the values of its references. */
async function withInput<Out, In>(
  codec: Codec<Out, In>,
  given: Readonly<Record<string, unknown>>,
): Promise<Codec<Out, In>> {
  const input = await resolveReferences(given, { env: process.env, path: codec.name });
  return Object.assign(Object.create(Object.getPrototypeOf(codec)), codec, { input });
}

export interface CodecOptions {
  topic?: string;
  /** Default: `value`. */
  part?: Part;
  /** An encoder may add some: hand an object in to see them. */
  headers?: MessageHeaders;
  /** Where relative paths of the codec start. Default: the working directory. */
  baseDir?: string;
}

/**
 * Encodes one value, without Kafka.
 *
 * @throws QaError QA_ENCODE
 * @example
 * const bytes = await encode(avro('./payment.avsc'), { amount: 42 });
 */
export async function encode<Out, In>(
  codec: Codec<Out, In>,
  value: NoInfer<In> | null,
  options: CodecOptions = {},
): Promise<Buffer | null> {
  const ready = await readyOf(codec, options);
  return ready.encode(value, contextOf(options));
}

/**
 * Decodes one value, without Kafka.
 *
 * @throws DecodeError QA_DECODE with `reason` and `hex`
 * @example
 * const payment = await decode(avro<Payment>('./payment.avsc'), bytes);
 */
export async function decode<Out, In>(
  codec: Codec<Out, In>,
  bytes: Uint8Array | null,
  options: CodecOptions = {},
): Promise<Out | null> {
  const ready = await readyOf(codec, options);
  return ready.decode(bytes === null ? null : asBuffer(bytes), contextOf(options));
}

const prepared = new WeakMap<AnyCodec, Map<string, Promise<ReadyCodec<unknown, never>>>>();

/** Once a codec and folder; a failure is not kept. */
function readyOf<Out, In>(codec: Codec<Out, In>, options: CodecOptions): Promise<ReadyCodec<Out, In>> {
  const baseDir = options.baseDir ?? process.cwd();
  const byFolder = prepared.get(codec) ?? new Map<string, Promise<ReadyCodec<unknown, never>>>();
  prepared.set(codec, byFolder);
  const found = byFolder.get(baseDir);
  if (found) return found as Promise<ReadyCodec<Out, In>>;
  const making = prepareCodec(codec, { baseDir });
  byFolder.set(baseDir, making as Promise<ReadyCodec<unknown, never>>);
  making.catch(() => byFolder.delete(baseDir));
  return making;
}

function contextOf({ topic = '', part = 'value', headers = {} }: CodecOptions): CodecContext {
  return { topic, part, headers };
}

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

function checked(bytes: Buffer | null | Promise<Buffer | null>): Buffer | null | Promise<Buffer | null> {
  if (types.isPromise(bytes)) return bytes.then((late) => checked(late) as Buffer | null);
  if (bytes === null || types.isUint8Array(bytes)) return bytes;
  throw new TypeError(`its \`encode\` must give a Buffer or null, but gave ${show(bytes)}`);
}

function attempt<T>(run: () => T | Promise<T>, fail: (error: unknown) => Error): T | Promise<T> {
  let result: T | Promise<T>;
  try {
    result = run();
  } catch (error) {
    throw fail(error);
  }
  if (!types.isPromise(result)) return result;
  return result.catch((error) => {
    throw fail(error);
  });
}

function oneWay(name: string, direction: 'encode' | 'decode', what: string): QaError {
  return new QaError('QA_MISUSE', {
    what: `The codec \`${name}\` has no \`${direction}\`, so nothing can be ${what} with it`,
    mend: `Give it \`${direction}\``,
  });
}
