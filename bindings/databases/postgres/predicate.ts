/** The parts of an expectation that SQL can judge exactly, as SQL. */
import type { Expected } from '../../core/source.ts';
import { quoteName } from './names.ts';
import type { Column, Shape } from './shape.ts';
import { type Bind, isAsymmetric } from './values/codec.ts';
import { nullPart } from './values/nested.ts';

/** Collects the parameters of one statement. */
export class Parameters {
  readonly values: unknown[];

  constructor(before: readonly unknown[] = []) {
    this.values = [...before];
  }

  readonly bind: Bind = (value, type) => {
    this.values.push(value);
    return `$${this.values.length}::${type}`;
  };
}

/** SQL that is true exactly where the column equals `expected`; undefined where only memory can tell. */
export function predicate(column: Column, expected: unknown, bind: Bind): string | undefined {
  if (expected === undefined || isAsymmetric(expected)) return undefined;
  const name = quoteName(column.name);
  return expected === null ? nullPart(column.type.codec, name) : column.type.codec.where?.(name, expected, bind);
}

/** A part for each column of `expected` that has one. */
export function predicates(shape: Shape, expected: Expected, bind: Bind): Map<string, string> {
  const result = new Map<string, string>();
  for (const [name, value] of Object.entries(expected)) {
    const column = shape.byName.get(name);
    const part = column && predicate(column, value, bind);
    if (part !== undefined) result.set(name, part);
  }
  return result;
}

export function whereClause(parts: Iterable<string>): string {
  const all = [...parts];
  return all.length === 0 ? '' : ` where ${all.join(' and ')}`;
}
