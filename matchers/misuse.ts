/**
 * What can never work is refused at once, whatever `.not` says: a wrong subject, an empty expectation,
 * `undefined`, an unknown option.
 */
import { QaError } from '../bindings/core/errors.ts';
import { runtime } from '../bindings/core/runtime.ts';
import { type Expected, isRowSource, type RowObserver, SOURCE } from '../bindings/core/source.ts';
import { didYouMean, nearest } from '../bindings/core/suggest.ts';
import { isThenable } from '../bindings/core/thenable.ts';
import { isAsymmetric, isPlainObject } from './judge.ts';
import { print } from './print.ts';
import type { MatcherOptions } from './types.ts';

export function misuse(what: string, mend: string): QaError {
  return new QaError('QA_MISUSE', { what: runtime().redact(what), mend });
}

/** The observer of a source of rows. */
export function rowsOf(received: unknown, matcher: string): RowObserver {
  if (isRowSource(received)) return received[SOURCE];
  const what = `expect(…).${matcher}() needs a source of rows, but received ${kindOf(received)}`;
  if (isThenable(received)) {
    received.then(undefined, () => {});
    throw misuse(
      what,
      `A matcher reads the source itself, again and again while it waits: give it the source, without \`.all()\` or another call that reads, for example \`expect(${example()}).${matcher}(…)\``,
    );
  }
  throw misuse(what, `Sources of rows are ${sources()}`);
}

/** A partial row. `at` names it in messages: `the expected row`, `partials[1]`. */
export function partialRow(value: unknown, matcher: string, at: string): Expected {
  return partialOf(value, { matcher, at, noun: 'row', part: 'column', mend: 'to count rows use `toHaveRowCount(n)`' });
}

/** A partial of rows or messages. */
export function partialOf(
  value: unknown,
  { matcher, at, noun, part, mend }: { matcher: string; at: string; noun: string; part: string; mend: string },
): Expected {
  if (!isPlainObject(value)) {
    throw misuse(
      `${matcher}(): ${at} must be an object of ${part}s, but is ${kindOf(value)}`,
      part === 'column' ? 'Write `{ column: value }`' : `Write \`{ key: '…', value: { … } }\``,
    );
  }
  if (Object.keys(value).length === 0) {
    throw misuse(`${matcher}(): ${at} is empty, which every ${noun} matches`, `Name at least one ${part}; ${mend}`);
  }
  const path = undefinedIn(value, '');
  if (path !== undefined) {
    throw misuse(
      `${matcher}(): \`${path}\` of ${at} is undefined, which no ${noun} can be`,
      `Check where the value comes from; for ${noun === 'row' ? 'SQL NULL' : 'null'} write \`null\`, for "any value" \`expect.anything()\`, or leave the ${part} out`,
    );
  }
  return value;
}

const OPTIONS = {
  within: 'duration',
  stays: 'duration',
  soft: 'boolean',
} as const satisfies Record<keyof MatcherOptions, string>;

/** The options, with `extra` switches (`exactly`) beside the common ones; `others` are known, but checked elsewhere. */
export function optionsOf<Extra extends string = never>(
  value: unknown,
  matcher: string,
  extra: readonly Extra[] = [],
  others: readonly string[] = [],
): MatcherOptions & { [K in Extra]?: boolean } {
  if (value === undefined) return {};
  if (!isPlainObject(value)) {
    throw misuse(
      `${matcher}(): options must be an object, but are ${kindOf(value)}`,
      'Write `{ within: 2000 }`, in ms',
    );
  }
  const kinds: Record<string, string> = { ...OPTIONS, ...Object.fromEntries(extra.map((key) => [key, 'boolean'])) };
  for (const [key, given] of Object.entries(value)) {
    const kind = kinds[key];
    if (kind === undefined) {
      throw misuse(`${matcher}(): unknown option \`${key}\``, unknownOption(key, [...Object.keys(kinds), ...others]));
    }
    if (given === undefined) continue;
    if (kind === 'boolean' ? typeof given !== 'boolean' : !isDuration(given)) {
      const wanted = kind === 'boolean' ? '`true` or `false`' : 'a number of milliseconds, 0 or more';
      throw misuse(`${matcher}(): option \`${key}\` must be ${wanted}, but is ${print(given)}`, `Give ${wanted}`);
    }
  }
  return value as MatcherOptions & { [K in Extra]?: boolean };
}

export function kindOf(value: unknown): string {
  if (value === null) return 'null';
  if (value === undefined) return 'undefined';
  if (isThenable(value)) return 'a Promise';
  if (Array.isArray(value)) return `an array of ${value.length}: ${print(value, 80)}`;
  if (typeof value === 'function') return `a function${value.name ? ` (${value.name})` : ''}`;
  if (typeof value === 'object') return `an object: ${print(value, 80)}`;
  return `a ${typeof value}: ${print(value, 80)}`;
}

function unknownOption(key: string, known: readonly string[]): string {
  const hit = nearest(key, known);
  if (hit === undefined && /time|wait|poll|interval/i.test(key)) {
    return 'The time to become true is `within`, in ms';
  }
  return didYouMean(key, known);
}

export function isDuration(value: unknown): boolean {
  return typeof value === 'number' && Number.isFinite(value) && value >= 0;
}

/** The path of the first `undefined` in what a test wrote. */
export function undefinedIn(value: unknown, path: string): string | undefined {
  if (value === undefined) return path;
  if (isAsymmetric(value)) return undefined;
  if (Array.isArray(value)) {
    for (const [index, item] of value.entries()) {
      const found = undefinedIn(item, `${path}[${index}]`);
      if (found !== undefined) return found;
    }
  } else if (isPlainObject(value)) {
    for (const [key, item] of Object.entries(value)) {
      const found = undefinedIn(item, path === '' ? key : `${path}.${key}`);
      if (found !== undefined) return found;
    }
  }
  return undefined;
}

/** How handles make sources of rows. */
const MAKERS: Record<string, string> = { table: "table('…')", rows: "rows('select …')" };

function sources(): string {
  const found = sourcesBy(MAKERS);
  return found.length > 0 ? found.join(', ') : "`qa.<connection>.table('…')` and `qa.<connection>.rows('select …')`";
}

/** Calls of the handles in `qa` that make a source: `qa.db.table('…')`, each in backquotes. */
export function sourcesBy(makers: Readonly<Record<string, string>>): string[] {
  return Object.entries(runtime().qa).flatMap(([name, handle]: [string, unknown]) =>
    typeof handle === 'object' && handle !== null
      ? Object.keys(makers).flatMap((maker) => (maker in handle ? [`\`qa.${name}.${makers[maker]}\``] : []))
      : [],
  );
}

function example(): string {
  return /`([^`]+)`/.exec(sources())?.[1] ?? "qa.db.table('…')";
}
