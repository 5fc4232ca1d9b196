/** The runner that the plugin names: with the matchers, and with what `@qa/jest-preset/globals` hands out. */
import * as vitest from 'vitest';
import type { Runtime } from '../../bindings/core/runtime.ts';
import { QaRunner } from '../../environment/vitest/runner.ts';
import { type ExpectLike, installMatchers } from '../../matchers/index.ts';

export default class PresetRunner extends QaRunner {
  protected override equip(runtime: Runtime): void {
    const { expect, test, it, describe, suite, beforeAll, afterAll, beforeEach, afterEach, vi } = vitest;
    runtime.globals = { expect, test, it, describe, suite, beforeAll, afterAll, beforeEach, afterEach, vi };
    installMatchers({ expect: expect as unknown as ExpectLike });
  }
}
