/** Inside of a try of `expect.poll` a matcher of ours looks once, and its failure is the try's. */
import { AsyncLocalStorage } from 'node:async_hooks';

const polling = new AsyncLocalStorage<true>();

export function isPolled(): boolean {
  return polling.getStore() === true;
}

export function asTry<T>(run: () => T): T {
  return polling.run(true, run);
}
