/**
 * The part of jest-circus that is used: its tree and its events. Written down here, so that our types need no
 * package that a user may not have. Before 30.3 concurrent tests ran side by side with all others of their file.
 */
type Fn = (this: unknown, ...args: unknown[]) => unknown;

export type Mode = 'skip' | 'only' | 'todo' | null | undefined;

/** What is thrown, or a pair of it and the error that points at the test's or hook's definition. */
export type CircusFailure = unknown | readonly [thrown: unknown, definition: Error | undefined];

export interface CircusTest {
  readonly type: 'test';
  readonly name: string;
  readonly parent: CircusDescribe;
  readonly concurrent: boolean;
  readonly failing: boolean;
  readonly asyncError: Error;
  readonly invocations: number;
  mode: Mode;
  fn: Fn;
  timeout?: number | undefined;
  errors: CircusFailure[];
  status?: 'skip' | 'done' | 'todo' | null;
}

export interface CircusHook {
  readonly type: 'beforeAll' | 'afterAll' | 'beforeEach' | 'afterEach';
  readonly parent: CircusDescribe;
  readonly asyncError: Error;
  fn: Fn;
  timeout?: number | undefined | null;
}

export interface CircusDescribe {
  readonly type: 'describeBlock';
  readonly name: string;
  readonly parent?: CircusDescribe | undefined;
  readonly children: readonly (CircusDescribe | CircusTest)[];
  readonly hooks: readonly CircusHook[];
  readonly mode: Mode;
}

export interface CircusState {
  readonly currentDescribeBlock: CircusDescribe;
  readonly currentlyRunningTest?: CircusTest | null;
  readonly hasFocusedTests: boolean;
  readonly hasStarted: boolean;
  readonly rootDescribeBlock: CircusDescribe;
  readonly testNamePattern?: RegExp | null;
  testTimeout: number;
  readonly unhandledErrors: CircusFailure[];
}

export type CircusEvent =
  | { name: 'setup'; runtimeGlobals: Record<string, unknown> }
  | { name: 'add_test'; asyncError: Error; failing: boolean }
  | { name: 'start_describe_definition' }
  | { name: 'run_start' }
  | { name: 'run_describe_start'; describeBlock: CircusDescribe }
  | { name: 'run_describe_finish'; describeBlock: CircusDescribe }
  | { name: 'concurrent_tests_start'; tests: readonly CircusTest[] }
  | { name: 'concurrent_tests_end'; tests: readonly CircusTest[] }
  | { name: 'hook_success'; hook: CircusHook }
  | { name: 'hook_failure'; hook: CircusHook }
  | { name: 'test_start'; test: CircusTest }
  | { name: 'test_fn_success'; test: CircusTest }
  | { name: 'test_fn_failure'; test: CircusTest }
  | { name: 'test_done'; test: CircusTest }
  | { name: 'run_finish' };

/** Whether circus will run the test's function. */
export function willRun(test: CircusTest, { hasFocusedTests, testNamePattern }: CircusState): boolean {
  if (test.parent.mode === 'skip' || test.mode === 'skip' || test.mode === 'todo') return false;
  if (hasFocusedTests && test.mode === undefined) return false;
  return !testNamePattern || testNamePattern.test(fullName(test));
}

/** Whether circus will run the describe's own beforeAll and afterAll hooks. */
export function runsHooks(describe: CircusDescribe, state: CircusState): boolean {
  return describe.mode !== 'skip' && hasEnabledTest(describe, state);
}

function hasEnabledTest(describe: CircusDescribe, state: CircusState): boolean {
  const { hasFocusedTests, testNamePattern } = state;
  return describe.children.some((child) => {
    if (child.type === 'describeBlock') return hasEnabledTest(child, state);
    if (child.mode === 'skip' || (hasFocusedTests && child.mode !== 'only')) return false;
    return !testNamePattern || testNamePattern.test(fullName(child));
  });
}

/** `describe test`, as Jest names it. */
export function fullName(node: CircusTest | CircusDescribe): string {
  const names: string[] = [];
  for (let at: CircusTest | CircusDescribe | undefined = node; at?.parent; at = at.parent) names.unshift(at.name);
  return names.join(' ');
}

export function* testsOf(describe: CircusDescribe): Generator<CircusTest> {
  for (const child of describe.children) {
    if (child.type === 'test') yield child;
    else yield* testsOf(child);
  }
}

export function* describesOf(describe: CircusDescribe): Generator<CircusDescribe> {
  yield describe;
  for (const child of describe.children) if (child.type === 'describeBlock') yield* describesOf(child);
}
