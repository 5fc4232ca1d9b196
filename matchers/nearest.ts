/** What the rows nearest to an expected one say about why it is not there. */
import type { Expected, Explained, Values } from '../bindings/core/source.ts';
import { differences, type Equality, type Verdict } from './judge.ts';
import { diffLines, legend, type Section } from './message.ts';
import type { Paint } from './paint.ts';
import { cut, plural, print, printCount } from './print.ts';

/** `1,204 rows; rejected by` with a line for each column and how many rows it rejects. */
export function rejections(explained: Explained, expected: Expected, equality: Equality): string[] {
  const { total, totalIsFloor, rows } = explained;
  if (total === 0) return ['no rows at all'];
  const count = `${totalIsFloor ? 'at least ' : ''}${plural(total, 'row')}`;
  const judged = rows.map((row) => new Set(differences(row, expected, equality).map((d) => d.column)));
  const columns = Object.keys(expected).map((column) => {
    const fulfilled = explained.fulfilled[column];
    if (fulfilled !== undefined && !totalIsFloor) return { column, rejected: total - fulfilled, of: total };
    return { column, rejected: judged.filter((set) => set.has(column)).length, of: rows.length };
  });
  const rejecting = columns.filter(({ rejected }) => rejected > 0).sort((a, b) => b.rejected - a.rejected);
  if (rejecting.length === 0) return [count];
  const width = Math.max(...rejecting.map(({ column }) => column.length));
  const lines = rejecting.slice(0, 8).map(({ column, rejected, of }) => {
    const among = of < total ? ` of the nearest ${printCount(of)}` : rejected === of ? (of === 1 ? '' : ' (all)') : '';
    return `  ${column.padEnd(width)}  ${printCount(rejected)}${among}`;
  });
  if (rejecting.length > 8) lines.push(`  … and ${plural(rejecting.length - 8, 'more column')}`);
  return [`${count}, rejected by`, ...lines];
}

/** The closest row, and a diff of only what differs in it. */
export function closestSection(
  { closest, diff, pass }: Verdict,
  expected: Expected,
  paint: Paint,
  label = 'Closest',
): Section[] {
  if (closest === undefined) return [];
  const lines = [rowLine(closest, expected)];
  if (pass) return [{ label, lines }];
  const all = Object.keys(expected).length;
  const columns = new Set(diff.map((d) => d.column)).size;
  const share =
    columns === all
      ? all === 1
        ? 'differs'
        : `differs in all ${all} columns`
      : `differs in ${columns} of ${all} columns`;
  return [{ label, lines: [...lines, `${share} ${legend(paint)}`, ...diffLines(diff, paint)] }];
}

/** For the history: `no rows`, `status 'PENDING'`. */
export function nearState({ total }: Explained, { closest, diff, pass }: Verdict, expected: Expected): string {
  if (total === 0 || closest === undefined) return 'no rows';
  if (pass) return 'a row matches';
  const columns = new Set(diff.map((d) => d.column));
  if (columns.size === Object.keys(expected).length) return `no row near (${plural(total, 'row')})`;
  return diff
    .slice(0, 3)
    .map(({ path, actual }) => `${path} ${print(actual, 60)}`)
    .join(', ');
}

/** A row on one line, the columns that the test names first. */
export function rowLine(row: Values, expected: Expected): string {
  const named = Object.keys(expected).filter((column) => Object.hasOwn(row, column));
  const rest = Object.keys(row).filter((column) => !named.includes(column));
  return rowText(Object.fromEntries([...named, ...rest].map((column) => [column, row[column]])));
}

export function rowText(row: Values): string {
  const parts: string[] = [];
  let length = 0;
  for (const [column, value] of Object.entries(row)) {
    const part = `${/^[\p{L}_$][\p{L}\p{N}_$]*$/u.test(column) ? column : print(column)}: ${print(value, 60)}`;
    length += part.length + 2;
    if (length > 200) return `{ ${[...parts, `… ${Object.keys(row).length - parts.length} more`].join(', ')} }`;
    parts.push(part);
  }
  return cut(`{ ${parts.join(', ')} }`, 300);
}
