/** Why a list of partials could not be paired with rows: who found none, what was not expected, what is out of order. */
import type { Expected, Explained } from '../bindings/core/source.ts';
import type { Report, ReportContext } from './expectation.ts';
import { differences, type Equality } from './judge.ts';
import type { Section } from './message.ts';
import { closestOf, closestSection, rowLine } from './nearest.ts';
import { pair } from './pairing.ts';
import { plural, print } from './print.ts';
import type { SeenRows } from './to-have-rows-matching.ts';

/** Partials shown with their closest row, and unexpected rows shown. */
const SHOWN = 3;

/** Rows or messages: how they and their parts are called, and what is near to an expected one. */
export interface Candidates {
  readonly noun: string;
  readonly part: string;
  explain(expected: Expected, options: { limit: number; signal: AbortSignal }): Promise<Explained>;
}

export async function reportRows(
  { noun, part, explain }: Candidates,
  partials: readonly Expected[],
  { exactly, inOrder, equality }: { exactly: boolean; inOrder: boolean; equality: Equality },
  { isNot, seen, paint, signal }: ReportContext<SeenRows>,
): Promise<Report> {
  const { rows, pairing, isCapped } = seen ?? {
    rows: [],
    pairing: pair(partials.length, 0, () => false),
    isCapped: false,
  };
  const missing = pairing.rowOf.flatMap((row, partial) => (row === undefined ? [partial] : []));
  const found = partials.length - missing.length;
  const capped = isCapped && !exactly ? [`(more ${noun}s are there than can be read at once)`] : [];
  const result = { actual: rows.slice(0, 20), expected: partials };
  if (isNot) {
    const lines = pairing.rowOf
      .slice(0, SHOWN)
      .flatMap((row, partial) => (row === undefined ? [] : [`[${partial}] ${rowLine(rows[row]!)}`]));
    const headline =
      missing.length > 0
        ? `It cannot be told that not all partials have a ${noun}`
        : noun === 'row'
          ? 'All partials still have a row'
          : `All partials have a ${noun}`;
    return { headline, sections: [{ label: 'Saw', lines: [...lines, ...capped] }], ...result };
  }

  const matches = (p: number, r: number) => differences(rows[r]!, partials[p]!, equality).length === 0;
  const anyOrder = inOrder ? pair(partials.length, rows.length, matches) : pairing;
  if (inOrder && anyOrder.rowOf.every((row) => row !== undefined)) {
    const order = partials.map((partial, p) => ({ partial, p, row: anyOrder.rowOf[p]! })).sort((a, b) => a.row - b.row);
    const lines = order
      .slice(0, 12)
      .map(({ partial, p, row }) => `${noun} ${row + 1} is expected[${p}]  ${paint.dim(print(partial, 100))}`);
    return { headline: `All ${noun}s are there, but in another order`, sections: [{ label: 'Saw', lines }], ...result };
  }

  const unexpected = exactly ? pairing.unclaimed : [];
  const sections: Section[] = [
    {
      label: 'Saw',
      lines: [
        `${plural(rows.length, noun)}${isCapped ? ' or more' : ''}; ${found} of ${partials.length} expected ones found`,
        ...capped,
      ],
    },
  ];
  const free = pairing.unclaimed.map((row) => rows[row]!);
  for (const index of missing.slice(0, SHOWN)) sections.push(...(await missingOne(index)));
  if (missing.length > SHOWN) {
    const rest = missing.slice(SHOWN).map((index) => `[${index}]`);
    sections.push({
      label: '',
      lines: [paint.dim(`and no ${noun} for ${rest.slice(0, 20).join(', ')}${rest.length > 20 ? ', …' : ''}`)],
    });
  }
  if (unexpected.length > 0) {
    const lines = unexpected.slice(0, SHOWN + 2).map((row) => paint.received(`+ ${rowLine(rows[row]!)}`));
    if (unexpected.length > SHOWN + 2)
      lines.push(paint.dim(`… and ${unexpected.length - SHOWN - 2}${isCapped ? ' or more' : ''} more`));
    sections.push({ label: 'Unexpected', lines });
  }
  const what = [
    ...(missing.length > 0
      ? [`${plural(missing.length, `expected ${noun}`)} ${missing.length === 1 ? 'was' : 'were'} not found`]
      : []),
    ...(unexpected.length > 0
      ? [
          `${plural(unexpected.length, noun)}${isCapped ? ' or more' : ''} ${unexpected.length === 1 ? 'was' : 'were'} not expected`,
        ]
      : []),
  ];
  return { headline: capitalised(what.join(', and ')), sections, ...result };

  async function missingOne(index: number): Promise<Section[]> {
    const partial = partials[index]!;
    const near =
      free.length > 0
        ? { rows: free, total: free.length, fulfilled: {} }
        : await explain(partial, { limit: 20, signal });
    const verdict = closestOf(near, partial, equality);
    const taken = verdict.pass ? [`matches only ${noun}s that another partial takes`] : [];
    const closest = verdict.pass
      ? []
      : closestSection(verdict, partial, paint, { isOnly: near.total === 1, part }).flatMap(({ lines }) => [
          `closest ${lines[0]}`,
          ...lines.slice(1),
        ]);
    return [{ label: 'Missing', lines: [paint.expected(`[${index}] ${print(partial)}`), ...taken, ...closest] }];
  }
}

function capitalised(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
