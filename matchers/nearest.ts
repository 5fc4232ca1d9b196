/** What the rows nearest to an expected one say about why it is not there. */
import type { Expected, Explained, Values } from '../bindings/core/source.ts';
import { differences, type Equality, judge, type Verdict } from './judge.ts';
import { diffLines, legend, type Section } from './message.ts';
import type { Paint } from './paint.ts';
import { plural, print, printCount } from './print.ts';

/** `1,204 rows:` with a line for each column and in how many rows it differs. */
export function rejections(explained: Explained, expected: Expected, equality: Equality): string[] {
  const { total, totalIsFloor, rows } = explained;
  if (total === 0) return ['no rows at all'];
  const count = `${totalIsFloor ? 'at least ' : ''}${plural(total, 'row')}`;
  // Of a single row the diff below tells it all.
  if (total === 1) return [count];
  const judged = rows.map((row) => new Set(differences(row, expected, equality).map((d) => d.column)));
  const columns = Object.keys(expected).map((column) => {
    const fulfilled = explained.fulfilled[column];
    if (fulfilled !== undefined && !totalIsFloor) return { column, differs: total - fulfilled, of: total };
    return { column, differs: judged.filter((set) => set.has(column)).length, of: rows.length };
  });
  return differingLines(count, columns, { total, part: 'column' });
}

/** `count:`, and a line for each part with how many differ in it. */
export function differingLines(
  count: string,
  parts: readonly { column: string; differs: number; of: number }[],
  { total, part }: { total: number; part: string },
): string[] {
  const differing = parts.filter(({ differs }) => differs > 0).sort((a, b) => b.differs - a.differs);
  if (differing.length === 0) return [count];
  const width = Math.max(...differing.map(({ column }) => column.length));
  const lines = differing.slice(0, 8).map(({ column, differs, of }) => {
    const among = of < total ? ` of the nearest ${printCount(of)}` : '';
    return `  ${column.padEnd(width)}  differs in ${differs === of ? 'all' : printCount(differs)}${among}`;
  });
  if (differing.length > 8) lines.push(`  … and ${plural(differing.length - 8, `more ${part}`)}`);
  return [`${count}:`, ...lines];
}

/**
 * The row closest to `expected`. A column that few rows fulfil tells more than one that many do: of two rows that
 * differ in one column each, the one with the right id is meant, not one that happens to have the right status.
 */
export function closestOf(explained: Omit<Explained, 'totalIsFloor'>, expected: Expected, equality: Equality): Verdict {
  const { rows, total, fulfilled } = explained;
  const weight = (column: string) => {
    const known = fulfilled[column];
    const alike =
      known ?? rows.filter((row) => differences(row, { [column]: expected[column] }, equality).length === 0).length;
    return 0.1 + Math.log(((known === undefined ? rows.length : total) + 1) / (alike + 1));
  };
  const weights = new Map(Object.keys(expected).map((column) => [column, weight(column)]));
  return judge(rows, expected, { equals: equality, weight: (column) => weights.get(column) ?? 1 });
}

/** The closest row, and a diff of only what differs in it. */
export function closestSection(
  { closest, diff, pass }: Verdict,
  expected: Expected,
  paint: Paint,
  { isOnly, part = 'column', at }: { isOnly: boolean; part?: string; at?: string | undefined },
): Section[] {
  const label = 'Closest';
  if (closest === undefined) return [];
  const lines = [...(at === undefined ? [] : [at]), rowLine(closest, expected)];
  if (pass) return [{ label, lines }];
  const all = Object.keys(expected).length;
  const columns = new Set(diff.map((d) => d.column)).size;
  const share =
    columns === all
      ? all === 1
        ? 'differs'
        : `differs in all ${all} ${part}s`
      : `differs in ${columns} of ${all} ${part}s`;
  // Of a row that has nothing in common with the expected one a diff would only repeat both.
  const isFar = !isOnly && columns === all && diff.every((d) => d.path === d.column);
  if (isFar) return [{ label, lines: [...lines, `no ${part} is as expected`] }];
  return [{ label, lines: [...lines, `${share} ${legend(paint)}`, ...diffLines(diff, paint)] }];
}

/** For the history: `no rows`, `status 'PENDING'`. */
export function nearState({ total }: Explained, { closest, diff, pass }: Verdict, expected: Expected): string {
  if (total === 0 || closest === undefined) return 'no rows';
  if (pass) return 'a row matches';
  const columns = new Set(diff.map((d) => d.column));
  if (total > 1 && columns.size === Object.keys(expected).length) return `no row near (${plural(total, 'row')})`;
  return diff
    .slice(0, 3)
    .map(({ path, actual }) => `${path} ${print(actual, 60)}`)
    .join(', ');
}

/** A row on one line; when it is too long, the columns that the test names come first. */
export function rowLine(row: Values, expected: Expected = {}): string {
  const whole = braced(Object.entries(row).map(field));
  if (whole.length <= LONGEST_ROW) return whole;
  const named = Object.keys(expected).filter((column) => Object.hasOwn(row, column));
  const rest = Object.keys(row).filter((column) => !named.includes(column));
  const parts: string[] = [];
  let length = 0;
  for (const column of [...named, ...rest]) {
    const part = field([column, row[column]]);
    length += part.length + 2;
    if (length > LONGEST_ROW)
      return braced([...parts, `… ${plural(Object.keys(row).length - parts.length, 'more column')}`]);
    parts.push(part);
  }
  return braced(parts);
}

/** Longest row, characters. */
const LONGEST_ROW = 200;

function field([column, value]: [string, unknown]): string {
  return `${/^[\p{L}_$][\p{L}\p{N}_$]*$/u.test(column) ? column : print(column)}: ${print(value, 60)}`;
}

function braced(parts: readonly string[]): string {
  return `{ ${parts.join(', ')} }`;
}
