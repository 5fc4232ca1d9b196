/**
 * Types for tests that run in Vitest: part of `@qa/jest-preset/vitest`, also named by `types` in the tsconfig.
 * Jest need not be there. `{ tags, timeout }` and `expect.soft` are Vitest's own.
 */
import type { QaMatchers } from '@qa/jest-preset';
import './global.ts';

declare module 'vitest' {
  interface Matchers<R extends void | Promise<void> = void | Promise<void>, T = unknown> extends QaMatchers<T> {}
}
