/** Values of a config that are known only when a connection opens. */
import { QaError } from './errors.ts';

const REFERENCE: unique symbol = Symbol.for('@qa/jest-preset/reference') as never;

export interface ReferenceContext {
  env: NodeJS.ProcessEnv;
  /** Where the value stands in the config, for errors: `connections.db.url`. */
  path: string;
}

export interface Reference<T = string> {
  readonly [REFERENCE]: true;
  resolve(context: ReferenceContext): T;
}

/** An option that may be written as a value or as a reference to one. */
export type OrReference<T> = T | Reference<T>;

export function reference<T>(resolve: (context: ReferenceContext) => T): Reference<T> {
  return { [REFERENCE]: true, resolve };
}

export function isReference(value: unknown): value is Reference<unknown> {
  return typeof value === 'object' && value !== null && REFERENCE in value;
}

/**
 * The value of an environment variable, read when a connection that uses it opens.
 *
 * @param fallback used where the variable is not set or empty
 * @throws QaError QA_CONFIG on opening, when it is not set and there is no fallback
 * @example
 * postgres({ url: fromEnv('DATABASE_URL', 'postgres://localhost/shop') })
 */
export function fromEnv(name: string, fallback?: string): Reference<string> {
  return reference(({ env, path }) => {
    const value = env[name];
    if (value !== undefined && value !== '') return value;
    if (fallback !== undefined) return fallback;
    throw new QaError('QA_CONFIG', {
      what: `\`${path}\` reads the environment variable ${name}, which is not set`,
      mend: `Set ${name}, or give a default: fromEnv('${name}', '…')`,
    });
  });
}

/** A copy of `input` in which every reference, at any depth of plain objects and lists, is its value. */
export function resolveReferences(input: unknown, context: ReferenceContext): unknown {
  if (isReference(input)) return input.resolve(context);
  if (Array.isArray(input))
    return input.map((item, index) => resolveReferences(item, { ...context, path: `${context.path}[${index}]` }));
  if (!isPlain(input)) return input;
  return Object.fromEntries(
    Object.entries(input).map(([key, value]) => [
      key,
      resolveReferences(value, { ...context, path: `${context.path}.${key}` }),
    ]),
  );
}

export function isPlain(value: unknown): value is Record<string, unknown> {
  if (typeof value !== 'object' || value === null) return false;
  // Symbols mark our own values (`embedded()`, a started server): they are handed on as they are.
  if (Object.getOwnPropertySymbols(value).length > 0) return false;
  const prototype = Object.getPrototypeOf(value);
  return prototype === null || Object.getPrototypeOf(prototype) === null;
}
