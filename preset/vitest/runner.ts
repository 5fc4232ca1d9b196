/** The runner that the plugin names: with the matchers, and with what `@qa/jest-preset/globals` hands out. */

import type { TestContext } from 'vitest';
import * as vitest from 'vitest';
import type { Runtime } from '../../bindings/core/runtime.ts';
import { QaRunner } from '../../environment/vitest/runner.ts';
import { type ExpectLike, installMatchers, installPoll, type PollSetup } from '../../matchers/index.ts';

export default class PresetRunner extends QaRunner {
  protected override equip(runtime: Runtime): void {
    const { expect, test, it, describe, suite, beforeAll, afterAll, beforeEach, afterEach, vi } = vitest;
    runtime.globals = { expect, test, it, describe, suite, beforeAll, afterAll, beforeEach, afterEach, vi };
    installMatchers({ expect: expect as unknown as ExpectLike, poll: this.#poll(expect) });
  }

  /** A test's own `expect`, of its context, is another one. */
  override extendTaskContext(context: TestContext): TestContext {
    // Vitest defines it once for all; made by its first use, which must stay so.
    const define = (target: TestContext, key: PropertyKey, descriptor: PropertyDescriptor) =>
      Reflect.defineProperty(target, key, { ...descriptor, configurable: true });
    super.extendTaskContext(new Proxy(context, { defineProperty: define }));
    const { get } = Object.getOwnPropertyDescriptor(context, 'expect') ?? {};
    if (get) {
      Object.defineProperty(context, 'expect', {
        get: () => {
          const own = get.call(context) as typeof vitest.expect;
          if (!originals.has(own)) installPoll(own as unknown as ExpectLike, this.#poll(own));
          return own;
        },
      });
    }
    return context;
  }

  /** What Vitest's config says of polling holds for ours. */
  #poll(expect: typeof vitest.expect): PollSetup {
    const { vi } = vitest;
    const { timeout, interval } = this.config.expect?.poll ?? {};
    const original = originals.get(expect) ?? (expect.poll as unknown as Original);
    originals.set(expect, original);
    return {
      within: timeout,
      interval,
      original,
      tick: (ms) => {
        if (vi.isFakeTimers()) vi.advanceTimersByTime(ms);
      },
    };
  }
}

type Original = NonNullable<PollSetup['original']>;

/** Vitest's own, of each `expect`. */
const originals = new WeakMap<object, Original>();
