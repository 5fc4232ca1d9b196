/** What the handle and its secrets share: the client, and how calls end and fail. */
import type { Opened, Scope } from '../core/binding.ts';
import type { QaErrorOptions } from '../core/errors.ts';
import { orAborted, testCall } from '../core/operation.ts';
import type { VaultClient } from './client.ts';
import { describeTarget, type ParsedOptions } from './options.ts';

export type OpenVault = Opened<ParsedOptions, VaultClient>;

export class Store {
  readonly scope: Scope;
  readonly #opened: () => OpenVault;

  constructor(opened: () => OpenVault, scope: Scope) {
    this.#opened = opened;
    this.scope = scope;
  }

  /** @throws QaError QA_NOT_OPEN */
  get open(): OpenVault {
    return this.#opened();
  }

  get client(): VaultClient {
    return this.#opened().client;
  }

  /** ` (https://…)` for labels, which must not fail: the connection may not be open yet. */
  get address(): string {
    try {
      return ` (${describeTarget(this.#opened().options)})`;
    } catch {
      return '';
    }
  }

  /** A call of a test: traced, ends with the test's time, points at the test's line, and is of the test's realm. */
  call<T>(
    caller: (...args: never[]) => unknown,
    { operation, path }: { operation: string; path: string },
    work: (signal: AbortSignal | undefined) => Promise<T>,
  ): Promise<T> {
    const { adopt, trace } = this.scope;
    return testCall(
      { caller, told: (error) => error, late: () => this.#late(operation, path), adopt },
      // The trace ends with the test's time, too.
      (signal) => trace(operation, { path }, () => orAborted(work(signal), signal)),
    );
  }

  #late(operation: string, path: string): QaErrorOptions {
    const { connection, address } = this.client.place;
    return {
      what: `The server did not answer before the time of the test was up (${operation} \`${path}\`)`,
      mend: 'See whether it hangs, or give the test more time',
      connection,
      address,
    };
  }
}
