/** A runtime for matchers under test, and what they reported. */
import { AsyncLocalStorage } from 'node:async_hooks';
import { stripVTControlCharacters } from 'node:util';
import { expect as jestExpect } from 'expect';
import { expect } from 'vitest';
import { Redactor } from '../../bindings/core/redact.ts';
import type { Runtime } from '../../bindings/core/runtime.ts';
import { shared } from '../../bindings/core/shared.ts';
import { ActiveFunction } from '../../environment/running.ts';
import { StateScope } from '../../environment/state.ts';
import { installMatchers } from '../../matchers/index.ts';
import type { QaMatchers } from '../../matchers/types.ts';

const store = new AsyncLocalStorage<ActiveFunction>();

export const redactor = new Redactor();

export const testRuntime: Runtime = {
  runner: 'vitest',
  qa: { db: { table: () => undefined, rows: () => undefined }, state: {} },
  defaults: { soft: true, within: 600 },
  current: () => store.getStore(),
  redact: (text) => redactor.redact(text),
};
shared().runtime = testRuntime;
installMatchers({ expect: expect as never });

/** Both runners' `expect`, each with the matchers; `as` makes the runtime say which one runs. */
export const RUNNERS = {
  vitest: () => as('vitest', expect),
  jest: () => as('jest', jestExpect as never),
};

function as(runner: Runtime['runner'], its: typeof expect): typeof expect {
  (testRuntime as { runner: Runtime['runner'] }).runner = runner;
  installMatchers({ expect: its as never });
  return its;
}

export interface Ran {
  failures: Error[];
  thrown: unknown;
}

/** Runs `body` as a test's function does: with soft failures recorded, and what is not awaited found at its end. */
export async function asTest(
  body: () => unknown,
  { timeout = 30_000, soft = true }: { timeout?: number; soft?: boolean } = {},
): Promise<Ran> {
  const failures: Error[] = [];
  const running = new ActiveFunction({
    kind: 'test',
    name: 'a test',
    timeout,
    soft,
    state: new StateScope(),
    concurrent: false,
    fail: (error) => failures.push(error),
  });
  let thrown: unknown;
  try {
    await store.run(running, body);
  } catch (error) {
    thrown = error;
  }
  running.settle();
  return { failures, thrown };
}

/** The text of the one failure, plain and with its times made equal. */
export async function failureOf(body: () => unknown, options?: { timeout?: number }): Promise<string> {
  const { failures, thrown } = await asTest(body, options);
  if (thrown !== undefined) throw thrown;
  expect(failures).toHaveLength(1);
  return normal(failures[0]!.message);
}

export function normal(text: string): string {
  return stripVTControlCharacters(text)
    .replace(/\d+(\.\d+)? (ms|s)\b/g, '‹time›')
    .replace(/\b\d+ times\b/g, '‹n› times');
}

declare module 'vitest' {
  // The parameters are Vitest's.
  interface Matchers<R extends void | Promise<void> = void | Promise<void>, T = unknown> extends QaMatchers<T> {}
}
