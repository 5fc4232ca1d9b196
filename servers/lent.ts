/** A server that the user started for the run: given as it is, as a promise, or as a function that starts it. */
export type Lent<T> = T | PromiseLike<T> | (() => T | PromiseLike<T>);

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
