/** How a codec reaches its schema registry, and which subject it means. */
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import {
  anyFunction,
  boolean,
  type CheckedShape,
  check,
  either,
  integer,
  list,
  milliseconds,
  nonEmpty,
  object,
  oneOf,
  optional,
  string,
} from '../../core/check.ts';
import { QaError } from '../../core/errors.ts';
import { redactUrl } from '../../core/redact.ts';
import type { Reference } from '../../core/reference.ts';
import type { CodecContext, CodecSetup } from '../codec.ts';

type Value = string | Reference<string>;

/** A Confluent-compatible schema registry. */
export interface RegistryOptions {
  /** `http://127.0.0.1:8081`; a user and password in it are used. */
  url: Value;
  /** Basic authentication. */
  username?: Value;
  password?: Value;
  /** A bearer token, instead. */
  token?: Value;
  tls?: RegistryTls;
  /** Time for one answer, ms. Default: 5000. */
  timeout?: number;
}

export interface RegistryTls {
  /** PEM text, or the path of a PEM file from the config's folder. */
  ca?: Value;
  /** The client's own certificate and key, likewise. */
  cert?: Value;
  key?: Value;
  passphrase?: Value;
  /** Default: true. */
  rejectUnauthorized?: boolean;
}

/** Which subject a message belongs to: by topic (`orders-value`, the default), record, both, or a function. */
export type SubjectStrategy =
  | 'topic'
  | 'record'
  | 'topic-record'
  | ((context: CodecContext, recordName: string | undefined) => string);

export interface RegistryUse {
  /** Address of the registry, or more about it. */
  registry: Value | RegistryOptions;
  /** Default: `topic`. */
  subject?: SubjectStrategy;
  /**
   * Registers the given schema when a message is sent with it. Default: false, which sends with a schema that is
   * there already: the given one, which must be registered, else the subject's latest.
   */
  register?: boolean;
  /** Subjects that the given schema refers to; their schemas are read from the registry. */
  references?: readonly SchemaReference[];
  /** Where a sent message carries the schema's id. Default: `payload`. Both are read. */
  idIn?: 'payload' | 'headers';
}

export interface SchemaReference {
  /** As the schema calls it: a full name (Avro), an import path (Protobuf), an URL (JSON Schema). */
  name: string;
  subject: string;
  version: number;
}

const registryShape = object({
  url: nonEmpty,
  username: optional(string),
  password: optional(string),
  token: optional(nonEmpty),
  tls: optional(
    object({
      ca: optional(nonEmpty),
      cert: optional(nonEmpty),
      key: optional(nonEmpty),
      passphrase: optional(string),
      rejectUnauthorized: optional(boolean),
    }),
  ),
  timeout: optional(milliseconds(1)),
});

/** Keys of a registry-backed codec that all formats have. */
export const registryKeys = {
  registry: either(nonEmpty, registryShape),
  subject: optional(either(oneOf('topic', 'record', 'topic-record'), anyFunction)),
  register: optional(boolean),
  references: optional(list(object({ name: nonEmpty, subject: nonEmpty, version: integer(1) }))),
  idIn: optional(oneOf('payload', 'headers')),
};

/** What the checks of `registryKeys` give. */
export type CheckedUse = CheckedShape<typeof registryKeys>;

/** Any schema that is an object or a path. */
export const schemaSource = check<string | object>(
  'a path or a schema',
  (value) => (typeof value === 'string' && value !== '') || (typeof value === 'object' && value !== null),
);

/** A registry's address and credentials, ready to use. */
export interface RegistryTarget {
  /** Without credentials, without a slash at the end. */
  readonly url: URL;
  readonly authorization: string | undefined;
  readonly tls: Readonly<Record<string, string | boolean>>;
  readonly timeout: number;
}

export function registryTarget(
  given: CheckedUse['registry'],
  { baseDir, redactor, connection }: CodecSetup,
): RegistryTarget {
  const options = typeof given === 'string' ? { url: given } : given;
  const fail = (what: string, mend: string) => new QaError('QA_CONFIG', { what, mend, connection });
  const url = URL.canParse(options.url) ? new URL(options.url) : undefined;
  if (!url || !/^https?:$/.test(url.protocol)) {
    throw fail(
      `\`registry\` is not an http or https address: ${redactUrl(options.url)}`,
      'Give one as http://127.0.0.1:8081',
    );
  }
  const username = options.username ?? decodeURIComponent(url.username);
  const password = options.password ?? decodeURIComponent(url.password);
  if (options.token !== undefined && username !== '') {
    throw fail('`registry` has both a `token` and a user', 'Give one of them');
  }
  url.username = '';
  url.password = '';
  for (const secret of [password, options.token, options.tls?.passphrase]) {
    if (secret) redactor?.add(secret);
  }
  const basic = Buffer.from(`${username}:${password}`).toString('base64');
  if (username !== '') redactor?.add(basic);
  return {
    url,
    authorization:
      options.token !== undefined ? `Bearer ${options.token}` : username !== '' ? `Basic ${basic}` : undefined,
    tls: tlsOf(options.tls, baseDir, fail),
    timeout: options.timeout ?? 5000,
  };
}

function tlsOf(
  tls: Exclude<CheckedUse['registry'], string>['tls'],
  baseDir: string,
  fail: (what: string, mend: string) => QaError,
): Record<string, string | boolean> {
  return Object.fromEntries(
    Object.entries(tls ?? {}).map(([key, value]) => {
      const isFile = ['ca', 'cert', 'key'].includes(key) && typeof value === 'string' && !value.includes('-----BEGIN');
      if (!isFile) return [key, value];
      try {
        return [key, readFileSync(resolve(baseDir, value), 'utf8')];
      } catch (error) {
        throw fail(
          `\`registry.tls.${key}\` cannot be read: ${resolve(baseDir, value)} (${(error as NodeJS.ErrnoException).code})`,
          `Correct the path; it starts from ${baseDir}`,
        );
      }
    }),
  );
}
