/** What the handle and the sources of one connection share: the client, names, and how calls end and fail. */
import type { Cluster, Redis } from 'ioredis';
import type { Opened, Scope } from '../../core/binding.ts';
import type { QaErrorOptions } from '../../core/errors.ts';
import { orAborted, testCall } from '../../core/operation.ts';
import type { RedisClient } from './client.ts';
import { connectionError } from './errors.ts';
import { describeTarget, type ParsedOptions } from './options.ts';

export type OpenRedis = Opened<ParsedOptions, RedisClient>;

export class Store {
  readonly scope: Scope;
  readonly #opened: () => OpenRedis;

  constructor(opened: () => OpenRedis, scope: Scope) {
    this.#opened = opened;
    this.scope = scope;
  }

  /** @throws QaError QA_NOT_OPEN */
  get open(): OpenRedis {
    return this.#opened();
  }

  get client(): RedisClient {
    return this.#opened().client;
  }

  get redis(): Redis | Cluster {
    return this.client.redis;
  }

  /** The key as the server has it. */
  full(name: string): string {
    return `${this.client.options.keyPrefix ?? ''}${name}`;
  }

  /** ` (redis://…)` for labels, which must not fail: the connection may not be open yet. */
  get address(): string {
    try {
      const { client, options } = this.#opened();
      return ` (${describeTarget(options, client.kind)})`;
    } catch {
      return '';
    }
  }

  /** One operation of a source: traced, ended by the signal, its errors told as ours. */
  async ask<T>(
    operation: string,
    doing: string,
    work: () => Promise<T>,
    { signal, ...attributes }: { signal?: AbortSignal | undefined; key?: string; pattern?: string } = {},
  ): Promise<T> {
    const { client } = this;
    try {
      return await this.scope.trace(operation, attributes, () => orAborted(work(), signal));
    } catch (error) {
      if (signal?.aborted && error === signal.reason) throw error;
      throw client.told(error, doing);
    }
  }

  /** A call of a test: ends with the test's time, points at the test's line, and is of the test's realm. */
  call<T>(caller: (...args: never[]) => unknown, work: (signal: AbortSignal | undefined) => Promise<T>): Promise<T> {
    const told = (error: Error) => connectionError(error, this.client.place, this.client.trouble) ?? error;
    return testCall({ caller, told, late: () => this.#late(), adopt: this.scope.adopt }, work);
  }

  #late(): QaErrorOptions {
    const { connection, address } = this.client.place;
    return {
      what: 'The server did not answer before the time of the test was up',
      mend: 'See whether it hangs, or give the test more time',
      connection,
      address,
    };
  }
}

/** The answers of a pipeline; the first error is thrown. */
export function answers(results: [error: Error | null, answer: unknown][] | null): unknown[] {
  return (results ?? []).map(([error, answer]) => {
    if (error) throw error;
    return answer;
  });
}
