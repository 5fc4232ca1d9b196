/** Which worker of which run this is. */
import { currentRun, isMain } from '../../servers/run.ts';

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
