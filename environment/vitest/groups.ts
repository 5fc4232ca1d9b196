/**
 * Which tests run side by side. Vitest runs neighbours that are marked concurrent at the same time, and with them
 * all that is nested in them.
 */
import type { RunnerTask } from 'vitest';

/** An object that stands for the outermost group that `task` runs in; undefined when it runs alone. */
export function groupOf(task: RunnerTask): object | undefined {
  let group: object | undefined;
  for (let at: RunnerTask = task; at !== at.file; at = parentOf(at)) {
    if (at.concurrent === true) group = firstOfGroup(at);
  }
  return group;
}

export function parentOf(task: RunnerTask): RunnerTask & { type: 'suite' } {
  return task.suite ?? task.file;
}

function firstOfGroup(task: RunnerTask): object {
  const { tasks } = parentOf(task);
  let first = tasks.indexOf(task);
  while (first > 0 && tasks[first - 1]?.concurrent === true) first -= 1;
  return tasks[first] ?? task;
}
