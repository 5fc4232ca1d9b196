/** Servers that the user started for the run. */
import type { Lent } from '../bindings/core/server.ts';

const resolved = new WeakMap<object, Promise<unknown>>();

/** A function is called once a process. */
export function startedOnce<T>(server: Lent<T>): Promise<T> {
  if (typeof server !== 'function') return Promise.resolve(server);
  let started = resolved.get(server) as Promise<T> | undefined;
  if (started === undefined) {
    started = Promise.resolve().then(server as () => T | PromiseLike<T>);
    resolved.set(server, started);
  }
  return started;
}
