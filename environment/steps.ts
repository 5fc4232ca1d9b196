/** `qa.step`: named parts of a test, nested as they are called; a failed test shows which of them failed, and how long each took. */
import { AsyncLocalStorage } from 'node:async_hooks';
import { clock } from '../bindings/core/clock.ts';
import { QaError } from '../bindings/core/errors.ts';
import { isThenable } from '../bindings/core/thenable.ts';
import { duration } from './log/format.ts';
import type { Journal } from './log/journal.ts';
import { append } from './readable.ts';
import type { ActiveFunction } from './running.ts';
import type { StateScope } from './state.ts';
import type { Evidence } from './witness.ts';

/** `qa.step` */
export type RunStep = <T>(name: string, run: () => T) => T;

interface Step {
  readonly name: string;
  readonly parent: Step | undefined;
  readonly inner: Step[];
  readonly began: number;
  /** Ms; undefined while it is under way. */
  took: number | undefined;
  thrown: boolean;
  /** Soft failures in it, without those of inner steps. */
  failures: number;
}

export interface StepsOptions {
  journal: Journal;
  /** The function in whose context the caller runs. */
  current(): ActiveFunction | undefined;
}

/** So many of a test are kept, and so many lines are shown. */
const KEPT = 500;
const SHOWN = 40;

export class Steps {
  readonly #options: StepsOptions;
  readonly #inside = new AsyncLocalStorage<Step>();
  readonly #of = new WeakMap<StateScope, { steps: Step[]; count: number }>();

  constructor(options: StepsOptions) {
    this.#options = options;
  }

  /** `qa.step`. @throws QaError QA_MISUSE; what `run` throws */
  readonly run: RunStep = (name, run) => {
    const active = this.#options.current();
    check(name, run, active);
    const parent = this.#inside.getStore();
    const step: Step = {
      name,
      parent,
      inner: [],
      began: clock().now(),
      took: undefined,
      thrown: false,
      failures: 0,
    };
    this.#keep(step, active);
    const path = pathOf(step);
    const ended = this.#options.journal.open(
      { connection: undefined, kind: 'step', operation: 'step', attributes: { call: `step ${path}`, step: path } },
      'info',
    );
    const end = (error?: unknown, hasThrown = false) => {
      step.took = clock().now() - step.began;
      step.thrown = hasThrown;
      ended?.(error);
    };
    let result: ReturnType<typeof run>;
    try {
      result = this.#inside.run(step, run);
    } catch (error) {
      end(error, true);
      throw error;
    }
    if (!isThenable(result)) {
      end();
      return result;
    }
    const settled = active.track({ label: `qa.step('${name}', …)`, stack: stackOf(this.run) });
    return result.then(
      (value) => {
        settled();
        end();
        return value;
      },
      (error) => {
        settled();
        end(error, true);
        throw error;
      },
    ) as typeof result;
  };

  /** Names the step of a soft failure in its text, and counts it there. */
  mark<E extends { message: string; stack?: string | undefined }>(error: E): E {
    const step = this.#inside.getStore();
    if (!step) return error;
    step.failures += 1;
    append(error, `In step    ${pathOf(step)}`);
    return error;
  }

  /** `pay the order › confirm`; undefined outside of steps. */
  path(): string | undefined {
    const step = this.#inside.getStore();
    return step && pathOf(step);
  }

  /** Those of a test, after those of the beforeAll hooks around it. */
  about(state: StateScope): Evidence | undefined {
    const lines: string[] = [];
    let more = 0;
    for (let at: StateScope | undefined = state; at; at = at.parent) {
      const kept = this.#of.get(at);
      if (!kept) continue;
      lines.unshift(...kept.steps.flatMap((step) => tell(step, '')));
      more += Math.max(0, kept.count - KEPT);
    }
    if (lines.length === 0) return undefined;
    const left = lines.length - SHOWN + more;
    const shown = left > 0 ? [`(${left} before)`, ...lines.slice(-SHOWN)] : lines;
    return { title: 'qa.step', text: shown.join('\n') };
  }

  #keep(step: Step, { state }: ActiveFunction): void {
    let kept = this.#of.get(state);
    if (!kept) {
      kept = { steps: [], count: 0 };
      this.#of.set(state, kept);
    }
    kept.count += 1;
    const { steps } = kept;
    if (step.parent) step.parent.inner.push(step);
    else steps.push(step);
    if (kept.count > KEPT) (step.parent ? step.parent.inner : steps).shift();
  }
}

/** `✗ pay the order  5.0 s`, and below it the inner ones. */
function tell(step: Step, indent: string): string[] {
  const { name, took, thrown, failures, inner } = step;
  const time = took === undefined ? `under way for ${duration(clock().now() - step.began)}` : duration(took);
  const sign = hasFailed(step) ? '✗' : took === undefined ? '▸' : '✓';
  const what = thrown ? '  failed' : failures > 0 ? `  ${failures} ${failures === 1 ? 'failure' : 'failures'}` : '';
  const line = `${indent}${sign} ${name}  ${time}${what}`;
  return [line, ...inner.flatMap((one) => tell(one, `${indent}  `))];
}

function hasFailed({ thrown, failures, inner }: Step): boolean {
  return thrown || failures > 0 || inner.some(hasFailed);
}

function pathOf({ parent, name }: Step): string {
  return parent ? `${pathOf(parent)} › ${name}` : name;
}

function check(name: unknown, run: unknown, active: ActiveFunction | undefined): asserts active is ActiveFunction {
  const fail = (what: string, mend: string) => new QaError('QA_MISUSE', { what: `qa.step(): ${what}`, mend });
  if (typeof name !== 'string' || name.trim() === '')
    throw fail(
      'the first argument must be the name of the step',
      "Write `await qa.step('pay the order', async () => { … })`",
    );
  if (typeof run !== 'function') {
    const got = isThenable(run)
      ? 'a Promise, whose work has begun already'
      : run === undefined
        ? 'nothing'
        : `a ${typeof run}`;
    throw fail(
      `the step \`${name}\` needs the function to run, but got ${got}`,
      `Write \`await qa.step('${name}', async () => { … })\``,
    );
  }
  if (!active)
    throw fail(
      `the step \`${name}\` runs outside of any test or hook`,
      'Call it in a test or in a hook, not at the top of a file or in a describe',
    );
}

function stackOf(above: (...args: never[]) => unknown): string {
  const holder: { stack?: string } = {};
  Error.captureStackTrace(holder, above);
  return (holder.stack ?? '').replace(/^[^\n]*\n/, '');
}
