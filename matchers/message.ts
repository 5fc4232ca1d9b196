/**
 * The text of every failure, in this order: the expectation; where and for how long it looked; what it saw; the
 * closest candidate and where it differs; how that changed over time; a command to look for oneself.
 */
import { HIDDEN } from '../bindings/core/redact.ts';
import type { Difference } from './judge.ts';
import type { Paint } from './paint.ts';
import { cut, hide, plural, print, printMs, printPair } from './print.ts';

export interface Section {
  label: string;
  lines: string[];
}

export interface Failure {
  /** `qa.db.table('orders')` */
  source: string;
  matcher: string;
  isNot: boolean;
  args: string;
  headline: string;
  where: string;
  took: number;
  /** Undefined where it was woken by what came instead of looking again and again. */
  looks: number | undefined;
  /** What the wait was asked for, ms, when the test's own timeout cut it short. */
  shortenedFrom: number | undefined;
  sections: Section[];
  history: string[];
  /** The error of the last look, when that got no answer. */
  cause: unknown;
  command: string | undefined;
}

/** Width of the labels at the left. */
const GUTTER = 10;
/** Longest text, lines; beyond it the sections in the middle are cut. */
const MOST_LINES = 40;

export function message(failure: Failure, paint: Paint): string {
  const head = [heading(failure, paint), '', `${failure.headline}.`, ''];
  const before = section({ label: 'Looked in', lines: lookedIn(failure) }, paint);
  const after = [
    { label: 'History', lines: failure.history.map((line) => cut(hide(line), 240)) },
    { label: 'Last error', lines: failure.cause === undefined ? [] : causeLines(failure.cause, paint) },
    {
      label: 'Look with',
      lines:
        failure.command === undefined
          ? []
          : hide(failure.command)
              .split('\n')
              .slice(0, 6)
              .map((line) => cut(line, 1000)),
    },
  ].flatMap((part) => section(part, paint));
  const room = MOST_LINES - head.length - before.length - after.length;
  const middle = failure.sections.flatMap((part) => section(part, paint));
  const shown =
    middle.length <= room
      ? middle
      : [...middle.slice(0, room - 1), paint.dim(`… ${plural(middle.length - room + 1, 'more line')}`)];
  return [...head, ...before, ...shown, ...after].join('\n');
}

/** `- status: 'PAID'` over `+ status: 'PENDING'`, for each place that differs. */
export function diffLines(diff: readonly Difference[], paint: Paint, most = 6): string[] {
  const lines = diff.slice(0, most).flatMap(({ path, expected, actual }) => {
    const [wanted, got] = printPair(expected, actual);
    const [more, other] = wanted === got ? toldApart(wanted, expected, actual) : ['', ''];
    return [paint.expected(`- ${path}: ${wanted}${more}`), paint.received(`+ ${path}: ${got}${other}`)];
  });
  if (diff.length > most) lines.push(paint.dim(`  … and ${plural(diff.length - most, 'more difference')}`));
  return lines;
}

/** `(- expected, + received)`, in their colours. */
export function legend(paint: Paint): string {
  return `(${paint.expected('- expected')}, ${paint.received('+ received')})`;
}

function heading({ source, matcher, isNot, args }: Failure, paint: Paint): string {
  if (matcher === 'waitFor')
    return `${paint.received(source)}${paint.dim('.')}waitFor${paint.dim('(')}${paint.expected(args)}${paint.dim(')')}`;
  return [
    paint.dim('expect('),
    paint.received(source),
    paint.dim(isNot ? ').not.' : ').'),
    matcher,
    paint.dim('('),
    paint.expected(args),
    paint.dim(')'),
  ].join('');
}

function lookedIn({ where, took, looks, shortenedFrom }: Failure): string[] {
  const often = looks === undefined ? '' : `, ${looks === 1 ? 'once' : `${looks} times`}`;
  const lines = [where, `for ${printMs(took)}${often}`];
  if (shortenedFrom !== undefined) {
    lines.push(
      `cut short: asked for ${printMs(shortenedFrom)}, but the test's own timeout was near (give the test a longer timeout)`,
    );
  }
  return lines;
}

function section({ label, lines }: Section, paint: Paint): string[] {
  return lines.map((line, index) => {
    const gutter =
      index === 0 ? paint.bold(label) + ' '.repeat(Math.max(1, GUTTER + 1 - label.length)) : ' '.repeat(GUTTER + 1);
    return `${gutter}${line}`.trimEnd();
  });
}

function causeLines(cause: unknown, paint: Paint): string[] {
  const text = cause instanceof Error || hasMessage(cause) ? cause.message : print(cause);
  return hide(text)
    .split('\n')
    .slice(0, 4)
    .map((line) => paint.received(cut(line, 400)));
}

function hasMessage(value: unknown): value is { message: string } {
  return typeof value === 'object' && value !== null && typeof (value as { message?: unknown }).message === 'string';
}

/** What tells values apart that print alike. */
function toldApart(text: string, expected: unknown, actual: unknown): [string, string] {
  if (text.includes(HIDDEN)) return ['', ' (another one)'];
  return [` (${typeName(expected)})`, ` (${typeName(actual)})`];
}

function typeName(value: unknown): string {
  if (typeof value !== 'object' || value === null) return typeof value;
  return (value as { constructor?: { name?: string } }).constructor?.name ?? 'object';
}
