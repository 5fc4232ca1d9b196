/** The global `qa`, for both runners' types. */
import type { Qa } from '@qa/jest-preset';

declare global {
  /** The connections of the config by their names, and what a test needs beside them. */
  // A `let` or `const` here would not become a property of globalThis.
  var qa: Qa;
}
