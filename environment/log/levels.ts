/** Which lines go where: what QA_LOG and `log` of the config ask for. */

import { QaError } from '../../bindings/core/errors.ts';
import { LEVELS, type LogLevel } from '../../bindings/core/log.ts';
import { didYouMean } from '../../bindings/core/suggest.ts';

/** No line is as high. */
export const NOTHING: number = Number.POSITIVE_INFINITY;

/** Also `silent`: then nothing is kept for failures either. */
export const LEVEL_NAMES: readonly string[] = [...Object.keys(LEVELS), 'silent'];

export interface Thresholds {
  /** Streamed to stderr from this level on. */
  stream: number;
  /** Kept for the test's failure. */
  ring: number;
}

/** @throws QaError QA_CONFIG for a QA_LOG that is no level */
export function thresholds(asked: string | undefined): Thresholds {
  const name = asked?.trim().toLowerCase();
  if (!name) return { stream: NOTHING, ring: LEVELS.debug };
  if (name === 'silent') return { stream: NOTHING, ring: NOTHING };
  if (Object.hasOwn(LEVELS, name)) {
    const stream = LEVELS[name as LogLevel];
    return { stream, ring: Math.min(stream, LEVELS.debug) };
  }
  throw new QaError('QA_CONFIG', {
    what: `QA_LOG is '${asked}', which is no level of the log. ${didYouMean(name, LEVEL_NAMES)}`,
    mend: 'Set QA_LOG=debug to see all lines, or unset it: they are shown under tests that fail',
  });
}

/** `debug` for 20; the nearest below for levels of the user's own. */
export function levelName(level: number): LogLevel {
  let name: LogLevel = 'trace';
  for (const known of Object.keys(LEVELS) as LogLevel[]) if (level >= LEVELS[known]) name = known;
  return name;
}
