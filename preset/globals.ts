/**
 * `@qa/jest-preset/globals`: one import for tests that run in both runners, for those who use no globals.
 *
 * @example
 * import { qa, expect, test } from '@qa/jest-preset/globals';
 * @packageDocumentation
 */
import type { Qa, RunnerGlobals } from '@qa/jest-preset';
import { QaError } from '../bindings/core/errors.ts';
import { runtime } from '../bindings/core/runtime.ts';

/** A name as the runner's types know it; its own message where tsconfig's `types` name neither. */
type Of<Name extends Names> = Known extends { readonly [_ in Name]: infer Type } ? Type : never;
type Known = RunnerGlobals extends { readonly jest: infer Jest }
  ? Jest
  : RunnerGlobals extends { readonly vitest: infer Vitest }
    ? Vitest
    : Record<Names, "Add '@qa/jest-preset/jest' or '@qa/jest-preset/vitest' to `types` in the tsconfig">;
type Names = 'expect' | 'test' | 'it' | 'describe' | 'beforeAll' | 'beforeEach' | 'afterEach' | 'afterAll';

/**
 * The connections of the config by their names, and what a test needs beside them. The object is that of the test
 * file which runs: where a runner keeps modules from file to file, this one stays right.
 */
export const qa: Qa = new Proxy({} as Qa, {
  get: (_, key) => Reflect.get(runtime().qa, key),
  has: (_, key) => Reflect.has(runtime().qa, key),
  ownKeys: () => Reflect.ownKeys(runtime().qa),
  getOwnPropertyDescriptor: (_, key) => {
    const found = Reflect.getOwnPropertyDescriptor(runtime().qa, key);
    return found && { ...found, configurable: true };
  },
});

export const expect: Of<'expect'> = given('expect');
export const test: Of<'test'> = given('test');
export const it: Of<'it'> = given('it');
export const describe: Of<'describe'> = given('describe');
export const beforeAll: Of<'beforeAll'> = given('beforeAll');
export const beforeEach: Of<'beforeEach'> = given('beforeEach');
export const afterEach: Of<'afterEach'> = given('afterEach');
export const afterAll: Of<'afterAll'> = given('afterAll');

/** @throws QaError QA_NO_ENVIRONMENT where the file runs without our environment */
function given<Name extends Names>(name: Name): Of<Name> {
  const { globals } = runtime();
  if (globals && name in globals) return globals[name] as Of<Name>;
  throw new QaError('QA_NO_ENVIRONMENT', {
    what: `The runner has handed out no \`${name}\``,
    mend: "Import '@qa/jest-preset/globals' in test files and their helpers only",
  });
}
