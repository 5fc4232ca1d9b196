/** How a process came to its end, in words. */
import type { Ended } from './spec.ts';

/** `ended with exit code 1`, `was ended by SIGKILL` */
export function howItEnded({ code, signal }: Pick<Ended, 'code' | 'signal'>): string {
  if (signal !== null) return `was ended by ${signal}`;
  return code === null ? 'could not be started' : `ended with exit code ${code}`;
}
