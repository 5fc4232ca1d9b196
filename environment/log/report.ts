/** The lines of a test as a block below its failure. */
import type { Evidence } from '../witness.ts';
import { tell } from './format.ts';
import type { Line } from './line.ts';
import { KEPT, type Ring } from './ring.ts';

/**
 * @param began of the test, ms since 1970: times are told from there
 * @param redact is called before anything is cut
 */
export function logEvidence(
  rings: readonly Ring[],
  { began, background, redact }: { began: number; background: Ring; redact: (text: string) => string },
): Evidence | undefined {
  // What belongs to nobody counts while the test runs.
  const around = background.lines.filter(({ time }) => time >= began);
  const all = [...rings.flatMap(({ lines }) => lines), ...around].sort((a, b) => a.time - b.time);
  if (all.length === 0) return undefined;
  const shown = all.slice(-KEPT);
  const count = around.length + rings.reduce((sum, ring) => sum + ring.count, 0);
  const title = count > shown.length ? `qa.log, the last ${shown.length} of ${count} lines` : 'qa.log';
  return { title, text: table(shown, began, redact) };
}

function table(lines: readonly Line[], began: number, redact: (text: string) => string): string {
  const told = lines.map((line) => ({ ...tell(line, redact), at: seconds(line.time - began) }));
  const widest = (key: 'at' | 'level' | 'connection') => Math.max(...told.map((line) => line[key].length));
  const [at, level, connection] = [widest('at'), widest('level'), widest('connection')];
  return told
    .map((line) =>
      [
        line.at.padStart(at),
        line.level.padEnd(level),
        ...(connection > 0 ? [line.connection.padEnd(connection)] : []),
        line.text,
      ].join('  '),
    )
    .join('\n');
}

/** `+0.412 s`; what was before the test (a beforeAll): `-1.204 s`. */
function seconds(ms: number): string {
  return `${ms < 0 ? '-' : '+'}${(Math.abs(ms) / 1000).toFixed(3)} s`;
}
