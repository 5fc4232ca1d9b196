/** Comparisons that can never be meant: a test is told at once, instead of waiting for what cannot come. */
import { QaError } from '../../core/errors.ts';
import type { Expected } from '../../core/source.ts';
import { didYouMean } from '../../core/suggest.ts';
import type { TableShape } from './shape.ts';
import { isAsymmetric } from './values/nested.ts';
import { scalar } from './values/scalars.ts';
import { printType } from './values/type.ts';

/** As the test named the source and its table. */
export interface Named {
  /** `qa.events.table('orders')` */
  label: string;
  name: string;
}

/** QA_MISUSE for an unknown column, or a value that no value of the column's type equals. */
export function complaint(
  { columns }: TableShape,
  expected: Expected,
  { label, name: table }: Named,
): QaError | undefined {
  for (const [name, value] of Object.entries(expected)) {
    const column = columns.get(name);
    if (!column) {
      return misuse(label, `table ${table} has no column \`${name}\``, didYouMean(name, [...columns.keys()]));
    }
    const { type } = column;
    if (type.kind !== 'scalar' || value === null || isAsymmetric(value)) continue;
    if (scalar(type.name).canonical(value) !== undefined) continue;
    return misuse(
      label,
      `The column \`${name}\` is of type ${printType(type)}, and nothing of that type equals what is expected`,
      MENDS[type.name] ?? `Write a value of the type ${printType(type)}`,
    );
  }
  return undefined;
}

export function misuse(label: string, what: string, mend: string): QaError {
  return new QaError('QA_MISUSE', { what: `${label}: ${what}`, mend });
}

const MENDS: Readonly<Record<string, string>> = {
  date: "Write it as text: 'YYYY-MM-DD'",
  time: "Write it as text: 'HH:MM:SS'",
  timestamp: 'Write a Date, its ISO text, or its milliseconds',
  blob: "Write a Buffer, or its bytes as text: '0xcafe'",
  duration: "Write it as CQL does: '1h30m'",
};
