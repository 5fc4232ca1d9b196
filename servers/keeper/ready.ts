/** Waits until a server says that it answers, has ended, or its time is up. */
import { Failed } from '../protocol.ts';
import type { Supervised } from './supervise.ts';

export interface Readiness {
  /** The line that says so. */
  isReady(line: string): boolean;
  /** Whether its last lines say that its port was taken: it is started again on another one then. */
  isPortTaken(lines: readonly string[]): boolean;
  /** The server's name in texts: `PostgreSQL`. */
  name: string;
  /** The option that gives the connection another server: `url`. */
  address: string;
  /** Moment of `performance.now()`. */
  deadline: number;
  /** What the user gave, ms. */
  startTimeout: number;
}

/** False when its port was taken meanwhile. Throws Failed QA_SERVER_START with its last lines otherwise. */
export async function isReady(process: Supervised, readiness: Readiness): Promise<boolean> {
  const { deadline, startTimeout } = readiness;
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<'late'>((resolve) => {
    timer = setTimeout(resolve, Math.max(deadline - performance.now(), 1), 'late');
  });
  const ready = process.line(readiness.isReady).then(
    () => 'ready' as const,
    () => 'ended' as const,
  );
  const outcome = await Promise.race([ready, late]);
  clearTimeout(timer);
  if (outcome === 'ready') return true;
  const log = process.lastLines();
  await process.stop();
  if (outcome === 'late') {
    throw failedToStart(readiness, {
      what: `was not ready after ${startTimeout} ms`,
      log,
      mend: `Give it more time with \`embedded({ startTimeout: ${startTimeout * 2} })\``,
    });
  }
  if (readiness.isPortTaken(log)) return false;
  throw failedToStart(readiness, { what: `ended with code ${await process.exited}`, log });
}

export function failedToStart(
  { name, address }: Pick<Readiness, 'name' | 'address'>,
  { what, log, mend }: { what: string; log: readonly string[]; mend?: string },
): Failed {
  const lines = log.slice(-12).map((line) => `    ${line}\n`);
  return new Failed({
    code: 'QA_SERVER_START',
    what: `The throwaway ${name} ${what}. ${lines.length ? `Its last lines:\n${lines.join('')}` : 'It wrote nothing.'}`,
    mend: mend ?? `Mend what its lines say, or give the connection the \`${address}\` of a server of your own`,
  });
}
