/** What `qa doctor` has found out about a target, beyond that it answers. */

/** What it is about, for programs that read the report. */
export type FindingTopic = 'connection' | 'server' | 'clock' | 'rights' | 'reset' | 'schema' | 'topic' | 'driver';

/** Without secrets. Trouble (tests cannot work) and warnings (some may not) come with their mend. */
export type Finding = {
  readonly about: FindingTopic;
  /** One sentence. */
  readonly what: string;
} & (
  | { readonly level: 'ok' | 'note'; readonly mend?: undefined }
  | { readonly level: 'warning' | 'trouble'; readonly mend: string }
);

/** A difference of clocks that tests which compare times must know of, ms. */
const SKEW = 1000;

/** When a server was asked for its time, and when it had answered: ms since 1970 on this machine's clock. */
export interface Asked {
  readonly from: number;
  readonly to: number;
}

/** @param theirs what the server says, ms since 1970 */
export function clockFinding(theirs: number, { from, to }: Asked): Finding {
  // Somewhere between the two the server looked at its clock: what lies between them is no difference.
  const skew = theirs < from ? theirs - from : theirs > to ? theirs - to : 0;
  if (Math.abs(skew) < SKEW) return { about: 'clock', level: 'ok', what: "Its clock is as this machine's." };
  const seconds = (Math.abs(skew) / 1000).toFixed(1);
  return {
    about: 'clock',
    level: 'warning',
    what: `Its clock is ${seconds} s ${skew > 0 ? 'ahead of' : 'behind'} this machine's.`,
    mend: 'Set both clocks (NTP), or let no test compare times of one with times of the other.',
  };
}

/** `a, b, c and 4 more` */
export function some(names: readonly string[], most = 5): string {
  const shown = names.slice(0, most).join(', ');
  return names.length > most ? `${shown} and ${names.length - most} more` : shown;
}
