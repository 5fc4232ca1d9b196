/** `qa.service('shop')`: what tests see of a service. */

export interface ServiceHandle {
  /**
   * Its address.
   *
   * @throws QaError QA_NOT_OPEN before it is started, QA_NOT_SELECTED where the file's `@qa` line leaves it out, QA_CONFIG
   * for a service that has no address
   */
  readonly url: string;
  /**
   * What it has printed on both streams, redacted, without colours: the last 1 MB of it, at most 5000 lines.
   *
   * @param options `since: 'test'` (default): since the test began, in a `beforeAll` since the file did. `'start'`: all
   * @throws QaError QA_MISUSE for a service that the run has not started as a process
   * @example
   * expect(await qa.service('shop').logs()).toContain('order o-1 is paid');
   */
  logs(options?: { since?: 'test' | 'start' }): Promise<string>;
  /**
   * Ends it with SIGTERM, after 5 s with SIGKILL, and starts it anew at the same address; returns when it is ready. Also
   * of one that has ended.
   *
   * @throws QaError QA_SERVICE_START with its last lines; QA_MISUSE for a deployed one
   */
  restart(): Promise<void>;
  /**
   * Sends it and all that it has started a signal. Of one that ends a process (SIGKILL, SIGTERM, SIGINT, SIGQUIT) it
   * returns when that has ended, and how. Before the next test, if not before, the service is started again.
   *
   * @param signal default: SIGTERM
   * @throws QaError QA_MISUSE when it has ended already, or runs elsewhere; QA_TIMEOUT when it does not end in the test's time
   * @example
   * expect(await qa.service('shop').kill('SIGTERM')).toEqual({ code: 0, signal: null }); // an orderly end
   */
  kill(signal?: NodeJS.Signals): Promise<ServiceExit | undefined>;
}

export interface ServiceExit {
  /** Null when a signal ended it. */
  code: number | null;
  signal: string | null;
}
