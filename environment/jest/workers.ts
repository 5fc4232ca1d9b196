/** Which worker of which run this is. */
import { isMainThread } from 'node:worker_threads';

export interface Workers {
  run: string;
  worker: string;
  /** How many run side by side. */
  workers: number;
}

export function workersOf({ maxWorkers }: { maxWorkers: number }): Workers {
  const { id } = currentRun();
  return { run: id, worker: process.env.JEST_WORKER_ID ?? '1', workers: isMain() ? 1 : maxWorkers };
}

// Until servers/run.ts lands: the run's id reaches the workers through their environment.
export function beginRun(): { id: string } {
  process.env.QA_RUN_ID = `r${Date.now().toString(36)}`;
  process.env.QA_RUN_PID = String(process.pid);
  return currentRun();
}

function currentRun(): { id: string } {
  return { id: process.env.QA_RUN_ID ?? 'solo' };
}

function isMain(): boolean {
  return isMainThread && Number(process.env.QA_RUN_PID) === process.pid;
}
