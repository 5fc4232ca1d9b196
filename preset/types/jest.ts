/**
 * `@qa/jest-preset/jest`: types for tests that run in Jest, named by `types` in the tsconfig. They fit both
 * `@types/jest` and `@jest/globals`; Vitest need not be there. The types of `@jest/globals` cannot be taught that
 * `test` takes options: import it from `@qa/jest-preset/globals`, or use the global one.
 *
 * @packageDocumentation
 */
import type { PollOptions, QaMatchers, TestOptions } from '@qa/jest-preset';
import './global.ts';

export type { TestOptions } from '@qa/jest-preset';

type FromJest = typeof import('@jest/globals');

/** What @types/jest says, where it is there: our part of it alone cannot be called. */
type Either<Global, Name extends keyof FromJest, Probe> = Global extends Probe ? Global : FromJest[Name];

declare module '@qa/jest-preset' {
  interface RunnerGlobals {
    readonly jest: {
      readonly expect: Either<jest.Expect, 'expect', (actual: 1) => unknown> & Pick<jest.Expect, 'soft' | 'poll'>;
      readonly test: Either<jest.It, 'test', { skip: unknown }> & jest.It;
      readonly it: Either<jest.It, 'it', { skip: unknown }> & jest.It;
      readonly describe: Either<jest.Describe, 'describe', { skip: unknown }> & jest.Describe;
      readonly beforeAll: FromJest['beforeAll'];
      readonly beforeEach: FromJest['beforeEach'];
      readonly afterEach: FromJest['afterEach'];
      readonly afterAll: FromJest['afterAll'];
    };
  }
}

declare module 'expect' {
  interface Matchers<R extends void | Promise<void>, T = unknown> extends QaMatchers<T> {}

  interface Soft {
    <T = unknown>(
      actual: T,
    ): Matchers<void, T> & { not: Matchers<void, T> } & {
      resolves: Matchers<Promise<void>, T> & { not: Matchers<Promise<void>, T> };
      rejects: Matchers<Promise<void>, T> & { not: Matchers<Promise<void>, T> };
    };
    /** `expect.poll`, whose failure lets the test go on. */
    poll: BaseExpect['poll'];
  }

  interface BaseExpect {
    /**
     * Like `expect`, but a failure lets the test go on; it fails in the end, with each failure shown.
     *
     * @example
     * expect.soft(response.status).toBe(201);
     */
    soft: Soft;
    /**
     * Calls the function again and again, until the matcher accepts what it returns.
     *
     * @throws QaError QA_MISUSE for an unknown option, or where it is awaited without a matcher
     * @example
     * await expect.poll(() => fetch(url).then((answer) => answer.status), { within: 2000 }).toBe(200);
     */
    poll<T>(
      fn: (context: { signal: AbortSignal }) => T,
      options?: PollOptions,
    ): Matchers<Promise<void>, Awaited<T>> & { not: Matchers<Promise<void>, Awaited<T>> };
  }
}

type Callback = (...args: never[]) => unknown;

/** What a callback gets for one value of a table. */
type Arguments<T> = T extends readonly unknown[] ? [...T] : [value: T];

/** `test('…', { tags: ['smoke'] }, fn)` for the values of a table. */
interface EachWithOptions<Args extends readonly unknown[]> {
  (name: string, fn: (...args: Args) => unknown, timeout?: number): void;
  (name: string, options: TestOptions, fn: (...args: Args) => unknown): void;
}

declare global {
  namespace jest {
    // biome-ignore lint/complexity/noBannedTypes: the parameters must be those of @types/jest, word for word.
    interface Matchers<R, T = {}> extends QaMatchers<T> {}

    interface Soft {
      <T = unknown>(
        actual: T,
      ): Matchers<void, T> & { not: Matchers<void, T> } & {
        resolves: Matchers<Promise<void>, T> & { not: Matchers<Promise<void>, T> };
        rejects: Matchers<Promise<void>, T> & { not: Matchers<Promise<void>, T> };
      };
      /** `expect.poll`, whose failure lets the test go on. */
      poll: Expect['poll'];
    }

    interface Expect {
      /**
       * Like `expect`, but a failure lets the test go on; it fails in the end, with each failure shown.
       *
       * @example
       * expect.soft(response.status).toBe(201);
       */
      soft: Soft;
      /**
       * Calls the function again and again, until the matcher accepts what it returns.
       *
       * @throws QaError QA_MISUSE for an unknown option, or where it is awaited without a matcher
       * @example
       * await expect.poll(() => fetch(url).then((answer) => answer.status), { within: 2000 }).toBe(200);
       */
      poll<T>(
        fn: (context: { signal: AbortSignal }) => T,
        options?: PollOptions,
      ): Matchers<Promise<void>, Awaited<T>> & { not: Matchers<Promise<void>, Awaited<T>> };
    }

    interface It {
      /** A test with tags or a timeout of its own, in ms. */
      (name: string, options: TestOptions, fn: Callback): void;
    }

    interface Describe {
      /** Tests that share tags or a timeout, in ms. */
      (name: string, options: TestOptions, fn: () => void): void;
    }

    interface Each {
      <const T extends readonly [unknown, ...unknown[]]>(cases: readonly T[]): EachWithOptions<Arguments<T>>;
      <T>(cases: readonly T[]): EachWithOptions<Arguments<T>>;
    }
  }
}
