/**
 * What must exist once per test file, whichever copy of this package asks: the ESM or the CJS build,
 * loaded inside Jest's sandbox or outside of it. It hangs on the global object of the realm that asks;
 * Jest's environment lends its own to the sandbox.
 */
import type { Clock } from './clock.ts';
import type { Runtime } from './runtime.ts';

export interface Shared {
  clock?: Clock;
  runtime?: Runtime;
  /** Only in Jest's sandbox: drivers that must be the ones loaded outside of it. */
  drivers?: readonly LentDriver[];
}

export interface LentDriver {
  /** Absolute path of its main file. */
  path: string;
  load(): unknown;
}

const KEY: unique symbol = Symbol.for('@qa/jest-preset/shared') as never;

type Host = { [KEY]?: Shared };

/** The shared record of this realm, made on first use. */
export function shared(host: object = globalThis): Shared {
  const holder = host as Host;
  holder[KEY] ??= {};
  return holder[KEY];
}

/** Makes `host` (a sandbox's global object) see `record` as its own. */
export function lend(host: object, record: Shared): void {
  // An accessor: Jest spoils the values of plain globals when a file ends.
  Object.defineProperty(host, KEY, { configurable: true, enumerable: false, get: () => record });
}
