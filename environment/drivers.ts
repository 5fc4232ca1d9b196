/** Loads the drivers of connections. */
import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';
import { inspect } from 'node:util';
import { isMainThread } from 'node:worker_threads';
import type { Driver } from '../bindings/core/binding.ts';
import { QaError } from '../bindings/core/errors.ts';

const drivers = new Map<string, Promise<unknown>>();

/**
 * The module, once a process and outside the runner's sandbox: native drivers crash or hang inside. Of one that runs in
 * a child process its path.
 *
 * @param from the config's file: the driver is the one of its project
 */
export function loadDriver(driver: Driver | undefined, connection: string, from: string): Promise<unknown> {
  if (!driver) return Promise.resolve(undefined);
  if (driver.mainThreadOnly) refuseElsewhere(driver.name, connection);
  if (!driver.inChild) refuseInWindow(driver.name, connection);
  const require = createRequire(from);
  let path: string;
  try {
    path = require.resolve(driver.name);
  } catch (cause) {
    throw new QaError('QA_DRIVER_MISSING', {
      what: `The driver \`${driver.name}\` is not installed`,
      mend: `${driver.requires ? `${driver.requires}. ` : ''}Run: npm i -D ${driver.name}@"${driver.range}"`,
      connection,
      cause,
    });
  }
  if (driver.inChild) return Promise.resolve(path);
  let loading = drivers.get(path);
  if (!loading) {
    loading = import(pathToFileURL(path).href).then((module) => module.default ?? module);
    drivers.set(path, loading);
  }
  return loading;
}

/** Where a native driver would end the process: in a thread, or loaded a second time for another file of the process. */
function refuseElsewhere(driver: string, connection: string): void {
  const error = (what: string) =>
    new QaError('QA_CONFIG', {
      what: `The native driver \`${driver}\` ${what}`,
      mend: "In Vitest set `pool: 'forks'`; in Jest leave `workerThreads` out",
      connection,
    });
  if (!isMainThread) throw error('ends the whole process when it runs in a worker thread, and these tests run in one');
  // Node's own functions are of the realm that it loads native code in.
  if (inspect instanceof Function) return;
  throw error('can be loaded once a process only, and these tests load their modules anew for each file, in a vm');
}

/** Where a whole document is the global object: drivers would get its timers, which are numbers, for Node's. */
function refuseInWindow(driver: string, connection: string): void {
  if (inspect instanceof Function) return;
  const timer: unknown = setTimeout(() => undefined, 0);
  if (typeof timer === 'object') return;
  throw new QaError('QA_CONFIG', {
    what: `The driver \`${driver}\` needs the timers of Node, and in a pool of vm contexts this environment (jsdom) gives it those of its window`,
    mend: "In Vitest set `pool: 'forks'` or `pool: 'threads'`: there a document and connections stand side by side",
    connection,
  });
}
