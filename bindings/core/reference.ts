/** Values of a config that are known only when a connection opens. */
import { QaError } from './errors.ts';

const REFERENCE: unique symbol = Symbol.for('@qa/jest-preset/reference') as never;

export interface ReferenceContext {
  env: NodeJS.ProcessEnv;
  /** Where the value stands in the config, for errors: `connections.db.url`. */
  path: string;
  /** The open client of the connection that a reference needs. Without it none may be needed. */
  use?: (need: Need) => Promise<unknown>;
}

/** A connection that must be open before a reference has its value. */
export interface Need {
  /** Of its binding: 'vault'. */
  readonly kind: string;
  /** Its name in the config. Default: the only one of that kind. */
  readonly connection?: string | undefined;
  /** How the config writes it, for errors: `fromVault('secret/data/db#url')`. */
  readonly by: string;
}

export interface Reference<T = string> {
  readonly [REFERENCE]: true;
  readonly need?: Need | undefined;
  resolve(context: ReferenceContext): T | Promise<T>;
}

/** An option that may be written as a value or as a reference to one. */
export type OrReference<T> = T | Reference<T>;

export function reference<T>(resolve: (context: ReferenceContext) => T | Promise<T>, need?: Need): Reference<T> {
  return { [REFERENCE]: true, resolve, ...(need && { need }) };
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
export async function resolveReferences(input: unknown, context: ReferenceContext): Promise<unknown> {
  if (isReference(input)) return input.resolve(context);
  const children = childrenOf(input, context.path);
  if (children === undefined) return input;
  const values = await Promise.all(children.map(({ value, path }) => resolveReferences(value, { ...context, path })));
  if (Array.isArray(input)) return values;
  return Object.fromEntries(children.map(({ key }, index) => [key, values[index]]));
}

/** What the references in `input` need, each with its place in the config. */
export function needsOf(input: unknown, path: string): (Need & { path: string })[] {
  if (isReference(input)) return input.need ? [{ ...input.need, path }] : [];
  return (childrenOf(input, path) ?? []).flatMap((child) => needsOf(child.value, child.path));
}

/** Of plain objects and lists; undefined for everything else, which is handed on as it is. */
function childrenOf(input: unknown, path: string): { key: string; value: unknown; path: string }[] | undefined {
  if (Array.isArray(input))
    return input.map((value, index) => ({ key: String(index), value, path: `${path}[${index}]` }));
  if (!isPlain(input)) return undefined;
  return Object.entries(input).map(([key, value]) => ({ key, value, path: `${path}.${key}` }));
}

export function isPlain(value: unknown): value is Record<string, unknown> {
  if (typeof value !== 'object' || value === null) return false;
  // Symbols mark our own values (`embedded()`, a started server): they are handed on as they are.
  if (Object.getOwnPropertySymbols(value).length > 0) return false;
  const prototype = Object.getPrototypeOf(value);
  return prototype === null || Object.getPrototypeOf(prototype) === null;
}
