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
  (host as Host)[KEY] = record;
}
