/** Test files in this process, as an adapter runs them: services are real processes, started by this run's keeper. */
import { fileURLToPath } from 'node:url';
import { defineBinding } from '../../bindings/core/binding.ts';
import { type Connection, connection } from '../../bindings/core/connection.ts';
import { shared } from '../../bindings/core/shared.ts';
import type { Qa } from '../../environment/config/define.ts';
import type { LoadedConfig } from '../../environment/config/load.ts';
import type { Service } from '../../environment/config/services.ts';
import { FileRun } from '../../environment/file-run.ts';
import { currentRun } from '../../servers/index.ts';
import { machineTime, type ServiceSpec } from '../../servers/services/spec.ts';

export const fixtures: string = fileURLToPath(new URL('./fixtures/', import.meta.url));

/** A service of the fixtures that behaves as `how` says, at a port of its own. */
export function fixture(how = 'well', more: Partial<Service> & Record<string, unknown> = {}): Service {
  return {
    command: [process.execPath, 'service.mjs', ...how.split(' ')],
    cwd: fixtures,
    env: (qa) => ({ PORT: String(qa.port()) }),
    ready: '/health',
    ...more,
  } as Service;
}

export interface FileOptions extends Partial<LoadedConfig> {
  worker?: string;
  workers?: number;
  /** Of its `@qa` line. */
  names?: readonly string[];
  isWatching?: boolean;
}

export class TestFile {
  readonly run: FileRun;
  readonly #suite = {};

  constructor({ worker = '1', workers = 1, names, isWatching = false, ...config }: FileOptions) {
    this.run = new FileRun({
      runner: 'vitest',
      config: { connections: {}, file: `${fixtures}qa.config.ts`, baseDir: fixtures, stand: undefined, ...config },
      run: currentRun().id,
      worker,
      workers,
      isWatching,
      file: `${fixtures}a.test.ts`,
      docblock: { tags: [], connections: names },
      adopt: (value) => value,
      collecting: () => undefined,
    });
  }

  get qa(): Qa {
    return this.run.runtime.qa as Qa;
  }

  async open(): Promise<this> {
    shared().runtime = this.run.runtime;
    await this.run.open();
    await this.run.suiteStart(this.#suite, { parent: undefined, hasBeforeAll: false });
    return this;
  }

  /** Runs a test; gives what would stand below its failure. */
  async test(body: (qa: Qa) => unknown, timeout = 30_000): Promise<string> {
    const test = {};
    await this.run.testStart(test, { suite: this.#suite, group: undefined, name: 'a test' });
    const active = this.run.active(
      { test, suite: this.#suite },
      { kind: 'test', name: 'a test', timeout, soft: true, concurrent: false, fail: (error) => Promise.reject(error) },
    );
    await this.run.run(active, async () => body(this.qa));
    await this.run.gather(test);
    return this.run.describeFailure(test);
  }

  async close(): Promise<void> {
    this.run.suiteEnd(this.#suite);
    await this.run.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}

/** A connection that knows a secret. */
export function secretive(secret: string): Connection {
  const binding = defineBinding({
    kind: 'vault',
    parse: (input) => input,
    withAddress: (options) => options,
    describe: () => ({ address: 'vault://' }),
    open: async (_, { redactor }) => redactor.add(secret),
    health: async () => ({ version: '1', latency: 0, identity: '' }),
    close: async () => undefined,
    handle: () => ({}),
  });
  return connection(binding as never, {});
}

/** Asks a service of the fixtures; what it answers. */
export async function ask(url: string, path: string, value = ''): Promise<string> {
  const answer = await fetch(`${url}${path}?value=${encodeURIComponent(value)}`);
  return answer.text();
}

/** The error of what must fail. */
export async function failure(promise: Promise<unknown>): Promise<Error & { code: string }> {
  return promise.then(
    () => {
      throw new Error('It did not fail.');
    },
    (error) => error,
  );
}

export { machineTime, type ServiceSpec };

/** Waits for what no event tells. */
export async function until(isSo: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await isSo())) await new Promise((resolve) => setTimeout(resolve, 10));
}
