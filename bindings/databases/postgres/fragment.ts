/** `` sql`…${value}` ``: SQL with parameters, that runs when it is awaited and may be nested in another. */
import { QaError } from '../../core/errors.ts';

const FRAGMENT: unique symbol = Symbol.for('@qa/jest-preset/sql') as never;

/**
 * A statement, or a part of one. Awaited, it runs and gives its rows; as a value inside another `` sql`…` `` it
 * becomes part of that one. Values are always sent as parameters, never spliced into the text.
 */
export interface SqlFragment<Row extends object = Record<string, unknown>> extends PromiseLike<Row[]> {
  readonly [FRAGMENT]: true;
  /** With `$1` … for the values. */
  readonly text: string;
  readonly values: readonly unknown[];
}

export type SqlTag = <Row extends object = Record<string, unknown>>(
  strings: TemplateStringsArray,
  ...values: unknown[]
) => SqlFragment<Row>;

export function isFragment(value: unknown): value is SqlFragment {
  return typeof value === 'object' && value !== null && FRAGMENT in value;
}

export function sqlTag(run: (text: string, values: unknown[]) => Promise<object[]>): SqlTag {
  const tag = (strings: TemplateStringsArray, ...inserted: unknown[]): SqlFragment => {
    if (!Array.isArray(strings) || !('raw' in strings)) {
      throw new QaError('QA_MISUSE', {
        what: 'sql was called as a function',
        // biome-ignore lint/suspicious/noTemplateCurlyInString: shown as it is to be written.
        mend: 'Write it as a tag: sql`select … where id = ${id}`; text of your own goes to query(text, params)',
      });
    }
    let text = strings[0]!;
    const values: unknown[] = [];
    inserted.forEach((value, i) => {
      if (isFragment(value)) {
        text += shift(value.text, values.length);
        values.push(...value.values);
      } else {
        values.push(value);
        text += `$${values.length}`;
      }
      text += strings[i + 1];
    });
    let running: Promise<object[]> | undefined;
    return {
      [FRAGMENT]: true,
      text,
      values,
      // biome-ignore lint/suspicious/noThenProperty: it runs only when it is awaited, so that it can be nested.
      then: (resolve, reject) => {
        running ??= run(text, values);
        return (running as Promise<Record<string, unknown>[]>).then(resolve, reject);
      },
    };
  };
  return tag as SqlTag;
}

/** Numbers the placeholders of a part so that they follow those before it; text in quotes is left alone. */
export function shift(text: string, by: number): string {
  return by === 0 ? text : text.replace(QUOTED_OR_PLACEHOLDER, (all, n) => (n ? `$${Number(n) + by}` : all));
}

/** Quoted texts, names and comments are matched first, so that a `$1` inside of them is no placeholder. */
export const QUOTED_OR_PLACEHOLDER: RegExp =
  /'(?:[^']|'')*'|"(?:[^"]|"")*"|--[^\n]*|\/\*[\s\S]*?\*\/|\$(?:[a-z_]\w*)?\$[\s\S]*?\$(?:[a-z_]\w*)?\$|\$(\d+)/gi;
