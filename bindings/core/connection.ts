/** What a config holds under `connections`: a binding and what the user wrote for it. */
import type { Binding } from './binding.ts';

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

export function connection<Handle extends object>(
  binding: Binding<never, never, Handle>,
  input: Readonly<Record<string, unknown>>,
): Connection<Handle> {
  return { [CONNECTION]: true, binding, input };
}

export function isConnection(value: unknown): value is Connection {
  return typeof value === 'object' && value !== null && CONNECTION in value;
}
