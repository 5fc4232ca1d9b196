/** Comparisons that can never be meant: a test is told at once, instead of waiting for what cannot come. */
import { types } from 'node:util';
import type { Column } from '../shape.ts';
import { date, timestamp, timestamptz } from './times.ts';

/** What to write instead; undefined where the value suits the column. */
export function unsuitable({ name, type: { codec } }: Column, value: unknown): string | undefined {
  if (codec === date && types.isDate(value)) {
    return `Compare it with its text: \`${name}: 'YYYY-MM-DD'\``;
  }
  if ((codec === timestamp || codec === timestamptz) && (typeof value === 'string' || Number.isFinite(value))) {
    return `Compare it with a Date: \`${name}: new Date(…)\``;
  }
  return undefined;
}
