/**
 * Allure's environment below ours: it takes a test's outcome from what Jest knows when the test's function ends, and
 * shows one error a test. It is told of the soft failures, and gets all failures and their evidence as attachments.
 */
import { stripVTControlCharacters } from 'node:util';
import type { Evidence } from '../witness.ts';
import type { CircusEvent, CircusFailure, CircusTest } from './circus.ts';

/** What Allure's environment puts into the sandbox. */
interface AllureRuntime {
  attachment(name: string, content: string, options: { contentType: string }): PromiseLike<void>;
}

interface Sandbox {
  allureTestRuntime?: () => AllureRuntime | undefined;
  expect?: { setState(state: { suppressedErrors: readonly Error[] }): void };
}

interface Environment {
  global: object;
  handleTestEvent?: unknown;
}

type Handler = (event: CircusEvent, state: never) => unknown;

/**
 * To be called when an environment of ours has been constructed: Allure's puts a handler of its own in front of ours.
 *
 * @param softFailures those of the test so far
 */
export function tellSoftFailures(environment: Environment, softFailures: (test: CircusTest) => Error[]): void {
  if (!Object.hasOwn(environment, 'handleTestEvent')) return;
  const handle = environment.handleTestEvent as Handler;
  environment.handleTestEvent = (async (event, state) => {
    const failures = event.name === 'test_fn_success' ? softFailures(event.test) : [];
    if (failures.length === 0) return handle(event, state);
    // Jest's own list of failures that do not stop a test. It would add them to the test's when that is done.
    const { expect } = environment.global as Sandbox;
    expect?.setState({ suppressedErrors: failures });
    try {
      return await handle(event, state);
    } finally {
      expect?.setState({ suppressedErrors: [] });
    }
  }) satisfies Handler;
}

/** Attaches what a failed test left, where there is an Allure. */
export async function attachToAllure(
  sandbox: object,
  failures: readonly CircusFailure[],
  evidence: readonly Evidence[],
): Promise<void> {
  const runtime = (sandbox as Sandbox).allureTestRuntime?.();
  if (typeof runtime?.attachment !== 'function') return;
  const texts = [
    ...failures.map((failure, index) => ({ title: `failure ${index + 1}`, text: textOf(failure) })),
    ...evidence,
  ];
  for (const { title, text } of texts)
    await runtime.attachment(title, stripVTControlCharacters(text), { contentType: 'text/plain' });
}

function textOf(failure: CircusFailure): string {
  const thrown: unknown = Array.isArray(failure) ? failure[0] : failure;
  const { stack, message } = Object(thrown) as { stack?: unknown; message?: unknown };
  return String(stack || message || thrown);
}
