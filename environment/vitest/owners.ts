/** Whose functions they are: a failure that Vitest itself finds in one (`expect.soft`) belongs to the same task. */
import type { RunnerTask, RunnerTestCase } from 'vitest';
import { clock } from '../../bindings/core/clock.ts';
import type { Running } from '../../bindings/core/runtime.ts';
import { ActiveFunction } from '../running.ts';

const owners = new WeakMap<Running, RunnerTask>();
const done = new WeakSet<RunnerTask>();

/** Remembers that a function, or hook, is the task's. */
export function own(active: ActiveFunction, task: RunnerTask): void {
  owners.set(active, task);
}

/** From now on nothing can be added to what became of the test. */
export function disown(test: RunnerTestCase): void {
  done.add(test);
}

/** The task whose function `active` is, while it can still fail. */
export function ownerOf(active: ActiveFunction | undefined): RunnerTask | undefined {
  const task = active && owners.get(active);
  return task && !done.has(task) ? task : undefined;
}

const limited = new WeakSet<Running>();

/** Sets when a hook ends by the runner's time limit: the first that is noted while it runs is its own. */
export function limit(running: Running | undefined, end: number): void {
  if (!(running instanceof ActiveFunction) || running.kind !== 'hook' || limited.has(running)) return;
  limited.add(running);
  if (Number.isFinite(running.timeLeft())) running.endsIn(end - clock().now());
}
