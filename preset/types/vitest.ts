/**
 * Types for tests that run in Vitest: part of `@qa/jest-preset/vitest`, also named by `types` in the tsconfig.
 * Jest need not be there. `{ tags, timeout }` and `expect.soft` are Vitest's own.
 */
import type { QaMatchers } from '@qa/jest-preset';
import './global.ts';

type FromVitest = typeof import('vitest');

declare module '@qa/jest-preset' {
  interface RunnerGlobals {
    readonly vitest: {
      readonly expect: FromVitest['expect'] & { readonly soft: { readonly poll: FromVitest['expect']['poll'] } };
      readonly test: FromVitest['test'];
      readonly it: FromVitest['it'];
      readonly describe: FromVitest['describe'];
      readonly beforeAll: FromVitest['beforeAll'];
      readonly beforeEach: FromVitest['beforeEach'];
      readonly afterEach: FromVitest['afterEach'];
      readonly afterAll: FromVitest['afterAll'];
    };
  }
}

declare module 'vitest' {
  interface ExpectPollOptions {
    /** Time to become true, ms; the same as `timeout`. Default: `within` of qa.config, 5000. */
    within?: number;
    /** A failure lets the test go on; it fails in the end. Default: false. */
    soft?: boolean;
  }
  interface Matchers<R extends void | Promise<void> = void | Promise<void>, T = unknown> extends QaMatchers<T> {}
}
