/** What a config holds under `connections`: a binding and what the user wrote for it. */
import { inspect } from 'node:util';
import type { Binding } from './binding.ts';
import { presentable } from './secret.ts';

const CONNECTION: unique symbol = Symbol.for('@qa/jest-preset/connection') as never;
const HANDLE: unique symbol = Symbol.for('@qa/jest-preset/handle') as never;

export interface Connection<Handle extends object = object> {
  readonly [CONNECTION]: true;
  /** Exists for types only. */
  readonly [HANDLE]?: Handle;
  readonly binding: Binding<never, never, Handle>;
  readonly input: Readonly<Record<string, unknown>>;
}

/** Type of `qa.<name>` for a connection. */
export type HandleOf<C> = C extends Connection<infer Handle> ? Handle : never;

/**
 * What a factory of a binding returns: `(options) => connection(binding, options)`.
 *
 * @example
 * export const memcached = (options: { url: string }) => connection(binding, options);
 */
export function connection<Options extends object, Client, Handle extends object>(
  binding: Binding<Options, Client, Handle>,
  input: object,
): Connection<Handle> {
  // Options and client are the binding's own affair: whoever holds a connection hands them back unseen.
  const made = {
    [CONNECTION]: true,
    binding: binding as unknown as Binding<never, never, Handle>,
    input: { ...input },
  };
  // Whoever prints a config must not print its secrets.
  const shown = () => ({ kind: binding.kind, options: presentable(made.input) });
  return Object.defineProperties(made, {
    [inspect.custom]: { value: shown },
    toJSON: { value: shown },
  }) as Connection<Handle>;
}

export function isConnection(value: unknown): value is Connection {
  return typeof value === 'object' && value !== null && CONNECTION in value;
}
