/** `expect(qa.cache.key('order:o-1')).toHaveEntry({ total: '42' })`: the entry is there, as expected. */
import type { Entry, EntryObserver } from '../bindings/core/entries.ts';
import type { Expectation, Report, ReportContext } from './expectation.ts';
import { type Equality, isPlainObject } from './judge.ts';
import { type EntryVerdict, judgeEntry } from './judge-entry.ts';
import { diffLines, legend } from './message.ts';
import { rowLine } from './nearest.ts';
import type { Paint } from './paint.ts';
import { plural, print, printCount, printMs } from './print.ts';
import type { EntryOptions } from './types.ts';

/** Items of a set that are shown of each kind. */
const SHOWN = 5;

/** What it sees is the entry that matches. */
export function entryMatching(
  observer: EntryObserver,
  expected: unknown,
  options: EntryOptions,
  { equality }: { equality: Equality },
  matcher: 'toHaveEntry' | 'waitFor' = 'toHaveEntry',
): Expectation<Entry | undefined> {
  const { as, ttl, generation } = options;
  const asked = { ...(as && { as }), ...(ttl && { ttl }), ...(generation !== undefined && { generation }) };
  const facts = observer.facts.filter((name) => options[name] !== undefined);
  const judge = (entry: Entry): EntryVerdict =>
    entry.unreadable === undefined
      ? judgeEntry(entry, expected, options, equality)
      : { pass: false, diff: [], missing: [], unexpected: [] };
  return {
    matcher,
    get args() {
      return print(expected, 300) + (Object.keys(asked).length > 0 ? `, ${print(asked)}` : '');
    },
    observer,
    options,
    partials: [],
    async look(signal) {
      const entry = await observer.read({ as, expected, facts, signal });
      if (entry === undefined) return { pass: false, seen: undefined, state: `no such ${observer.noun}` };
      const verdict = judge(entry);
      return { pass: verdict.pass, seen: entry, state: stateOf(entry, verdict) };
    },
    report: (context) => report(context),
  };

  async function report({ isNot, paint, signal }: ReportContext<unknown>): Promise<Report> {
    const { noun } = observer;
    const entry = await observer.read({ as, expected, facts: observer.facts, signal });
    const verdict = entry && judge(entry);
    const shared = { actual: entry?.value, expected };
    if (entry === undefined || verdict === undefined) {
      const headline = isNot
        ? `It matched until the time was up; by now the ${noun} is gone`
        : `There is no such ${noun}`;
      const lines = isNot ? [] : await observer.explain(signal);
      return { headline, sections: [{ label: 'Saw', lines }], ...shared };
    }
    const saw = [
      describe(entry),
      ...(entry.unreadable === undefined ? [paint.received(valueLine(entry, expected))] : []),
    ];
    if (isNot) {
      const headline = verdict.pass
        ? `The ${noun} still matches`
        : 'It matched until the time was up; by now it does not';
      return { headline, sections: [{ label: 'Saw', lines: saw }], ...shared };
    }
    if (entry.unreadable !== undefined) {
      const lines = [...saw, entry.unreadable];
      return {
        headline: `The ${noun} cannot be read as ${as ?? 'it is'}`,
        sections: [{ label: 'Saw', lines }],
        ...shared,
      };
    }
    const hint = verdict.pass ? undefined : observer.hint?.(entry, expected);
    const sections = [
      { label: 'Saw', lines: [...saw, ...(verdict.pass ? [] : differing(verdict, paint))] },
      { label: 'Hint', lines: hint === undefined ? [] : [hint] },
    ];
    const headline = verdict.pass
      ? `The ${noun} was not as expected in time; it is by now`
      : `The ${entry.type === noun ? noun : `${noun}'s ${entry.type}`} is not as expected`;
    return { headline, sections, ...shared };
  }
}

/** `hash, expires in 59.8 s` */
function describe({ type, size, ttl, generation }: Entry): string {
  return [
    size === undefined ? type : `${type} of ${size}`,
    ...(ttl === undefined ? [] : [ttl === null ? 'never expires' : `expires in ${printMs(ttl)}`]),
    ...(generation === undefined ? [] : [`generation ${generation}`]),
  ].join(', ');
}

function valueLine({ value, list }: Entry, expected: unknown): string {
  if (list !== undefined && !isPlainObject(expected)) return print(list, 300);
  return isPlainObject(value) ? rowLine(value, isPlainObject(expected) ? expected : {}) : print(value, 300);
}

function differing({ diff, missing, unexpected }: EntryVerdict, paint: Paint): string[] {
  const items = (list: readonly unknown[], line: (text: string) => string) => [
    ...list.slice(0, SHOWN).map((item) => line(print(item))),
    ...(list.length > SHOWN ? [paint.dim(`  … and ${printCount(list.length - SHOWN)} more`)] : []),
  ];
  return [
    `differs ${legend(paint)}`,
    ...items(missing, (text) => paint.expected(`- ${text}`)),
    ...items(unexpected, (text) => paint.received(`+ ${text}`)),
    ...diffLines(diff, paint),
  ];
}

/** For the history: `total '41'`, `1 item missing`. */
function stateOf(entry: Entry, { pass, diff, missing, unexpected }: EntryVerdict): string {
  if (entry.unreadable !== undefined) return 'not readable';
  if (pass) return 'it matches';
  return [
    ...(missing.length > 0 ? [`${plural(missing.length, 'item')} missing`] : []),
    ...(unexpected.length > 0 ? [`${plural(unexpected.length, 'item')} too many`] : []),
    ...diff
      .slice(0, 3)
      .map(({ path, actual }) => (path === 'value' ? print(actual, 60) : `${path} ${print(actual, 60)}`)),
  ].join(', ');
}
