/**
 * What tests hand on to each other: a key set in a `beforeAll` is seen by the tests of its describe, a key set in
 * a test ends with the test. The scope in force is that of the function that asks, so it is right among
 * concurrent tests too.
 */
import { inspect } from 'node:util';
import { QaError } from '../bindings/core/errors.ts';
import { didYouMean } from '../bindings/core/suggest.ts';
import type { Evidence } from './witness.ts';

export class StateScope {
  readonly parent: StateScope | undefined;
  readonly values: Map<string, unknown> = new Map();

  constructor(parent?: StateScope) {
    this.parent = parent;
  }

  find(key: string): StateScope | undefined {
    if (this.values.has(key)) return this;
    return this.parent?.find(key);
  }

  /** Every key seen from here, the innermost value of each. */
  all(): Map<string, unknown> {
    return new Map([...(this.parent?.all() ?? []), ...this.values]);
  }
}

/** `qa.state` */
export interface State {
  /** Sets a key of the test, or of the describe when called in its `beforeAll`. */
  set(key: string, value: unknown): void;
  /** The value, or undefined. */
  get<T = unknown>(key: string): T | undefined;
  /** The value. @throws QaError QA_STATE that names the keys there are */
  require<T = unknown>(key: string): T;
  has(key: string): boolean;
  /** Forgets a key of the scope that it was set in. Returns whether there was one. */
  delete(key: string): boolean;
}

export function makeState(scope: () => StateScope): State {
  return {
    set(key, value) {
      scope().values.set(key, value);
    },
    get<T>(key: string) {
      return scope().find(key)?.values.get(key) as T | undefined;
    },
    require<T>(key: string) {
      const holder = scope().find(key);
      if (holder) return holder.values.get(key) as T;
      const known = [...scope().all().keys()];
      throw new QaError('QA_STATE', {
        what: `qa.state has no \`${key}\` here. ${known.length ? didYouMean(key, known) : 'It is empty.'}`,
        mend: `Set it with qa.state.set('${key}', …) in a beforeAll of this describe or an outer one, in a beforeEach, or in this test`,
      });
    },
    has: (key) => scope().find(key) !== undefined,
    delete: (key) => scope().find(key)?.values.delete(key) ?? false,
  };
}

const WIDEST = 200;

/** What a failed test shows of it. */
export function stateEvidence(scope: StateScope, redact: (text: string) => string): Evidence | undefined {
  const lines: string[] = [];
  for (const [key, value] of scope.all()) {
    // Redacted before it is cut: half a secret would not be known as one.
    const text = redact(inspect(value, { depth: 2, breakLength: Infinity, compact: true, maxArrayLength: 10 }));
    lines.push(`${key}: ${text.length > WIDEST ? `${text.slice(0, WIDEST)}…` : text}`);
  }
  return lines.length === 0 ? undefined : { title: 'qa.state', text: lines.join('\n') };
}
