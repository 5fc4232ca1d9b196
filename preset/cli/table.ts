/** A table of plain text that fits the terminal. */

export interface Column {
  readonly heading: string;
  /** Narrower than this it is not made; one that would be is left out of the row, with its heading. */
  readonly least: number;
  readonly align?: 'right';
}

const GAP = 2;

/**
 * Rows as lines, the first of them the headings. Where they are wider than `width` the widest columns are cut, with an
 * ellipsis, and at last the rightmost are left out.
 */
export function tableLines(columns: readonly Column[], rows: readonly (readonly string[])[], width: number): string[] {
  const natural = columns.map(({ heading }, index) =>
    Math.max(heading.length, ...rows.map((row) => (row[index] ?? '').length)),
  );
  let shown = columns.length;
  let widths = fitted(natural, columns, width);
  while (widths === undefined && shown > 1) {
    shown -= 1;
    widths = fitted(natural.slice(0, shown), columns, width);
  }
  const sizes = widths ?? [columns[0]!.least];
  const line = (cells: readonly string[]) =>
    sizes
      .map((size, index) => {
        const cell = cut(cells[index] ?? '', size);
        return columns[index]!.align === 'right' ? cell.padStart(size) : cell.padEnd(size);
      })
      .join(' '.repeat(GAP))
      .trimEnd();
  return [line(columns.map(({ heading }) => heading)), ...rows.map(line)];
}

/** undefined: they do not fit, however much is cut. */
function fitted(natural: readonly number[], columns: readonly Column[], width: number): number[] | undefined {
  const sizes = [...natural];
  const total = () => sizes.reduce((sum, size) => sum + size, 0) + GAP * (sizes.length - 1);
  while (total() > width) {
    let widest = -1;
    for (const [index, size] of sizes.entries()) {
      if (size > columns[index]!.least && (widest < 0 || size > sizes[widest]!)) widest = index;
    }
    if (widest < 0) return undefined;
    sizes[widest]! -= 1;
  }
  return sizes;
}

function cut(text: string, size: number): string {
  return text.length <= size ? text : `${text.slice(0, size - 1)}…`;
}
