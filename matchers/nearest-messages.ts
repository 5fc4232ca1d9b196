/** What the messages that came say about why none is the expected one. */
import type { MessageView, Received, ReceivedList } from '../bindings/core/messages.ts';
import type { Expected } from '../bindings/core/source.ts';
import { type Difference, differences, type Equality, isPlainObject, type Verdict } from './judge.ts';
import type { Section } from './message.ts';
import { differingLines } from './nearest.ts';
import { plural } from './print.ts';

/** The newest messages are compared closely, at most so many. */
const COMPARED = 2000;
/** Undecodable messages shown. */
const SHOWN = 3;

export interface NearMessages {
  lines: string[];
  verdict: Verdict;
  closest: Received | undefined;
}

/** Counts where messages differ, down to the leaves of `expected`, and finds the one that differs least. */
export function nearMessages(
  received: ReceivedList,
  { expected, equality, noun }: { expected: Expected; equality: Equality; noun: string },
): NearMessages {
  const compared = newest(received).filter(({ undecodable }) => undecodable === undefined);
  const leaves = leavesOf(expected);
  const judged = compared.map((one) => {
    const diff = differences(one.fields, expected, equality);
    return { one, diff, missed: leaves.filter((leaf) => diff.some(({ path }) => touches(path, leaf))) };
  });
  const differs = new Map(leaves.map((leaf) => [leaf, judged.filter(({ missed }) => missed.includes(leaf)).length]));
  // What few messages fulfil tells more: the one with the right id is meant.
  const weight = (leaf: string) => 0.1 + Math.log((judged.length + 1) / (judged.length - (differs.get(leaf) ?? 0) + 1));
  let best: (typeof judged)[number] | undefined;
  let least = Number.POSITIVE_INFINITY;
  for (const candidate of judged) {
    const distance = candidate.missed.reduce((sum, leaf) => sum + weight(leaf), 0);
    if (distance >= least) continue;
    least = distance;
    best = candidate;
  }
  const diff: Difference[] = best?.diff ?? [];
  const count = plural(received.length, noun);
  const parts = leaves.map((column) => ({ column, differs: differs.get(column) ?? 0, of: compared.length }));
  return {
    lines:
      received.length === 0
        ? [`no ${noun}s at all`]
        : received.length === 1
          ? [count]
          : differingLines(count, parts, { total: compared.length, part: 'field' }),
    verdict: { pass: best !== undefined && diff.length === 0, closest: best?.one.fields, diff },
    closest: best?.one,
  };
}

/** What could not be decoded, and what the source says of itself. */
export async function aroundMessages(view: MessageView, signal: AbortSignal): Promise<Section[]> {
  const broken = newest(view.received).flatMap(({ at, undecodable }) => (undecodable ? [{ at, ...undecodable }] : []));
  const lines = broken
    .slice(0, SHOWN)
    .flatMap(({ at, part, reason, excerpt }) => [`${at}: ${part}: ${reason}`, `  bytes ${excerpt}`]);
  if (broken.length > SHOWN) lines.push(`… and ${broken.length - SHOWN} more`);
  return [
    { label: 'Undecoded', lines },
    { label: 'Source', lines: await view.explain(signal) },
  ];
}

function newest(received: ReceivedList): Received[] {
  const from = Math.max(0, received.length - COMPARED);
  return Array.from({ length: received.length - from }, (_, index) => received.at(from + index)).filter(
    (one) => one !== undefined,
  );
}

function leavesOf(value: Expected, path = ''): string[] {
  return Object.entries(value).flatMap(([key, item]) => {
    const isName = /^[\p{L}_$][\p{L}\p{N}_$]*$/u.test(key);
    const at = path === '' ? key : isName ? `${path}.${key}` : `${path}[${JSON.stringify(key)}]`;
    return isPlainObject(item) && Object.keys(item).length > 0 ? leavesOf(item, at) : [at];
  });
}

function touches(path: string, leaf: string): boolean {
  const within = (inner: string, outer: string) => inner.startsWith(`${outer}.`) || inner.startsWith(`${outer}[`);
  return path === leaf || within(leaf, path) || within(path, leaf);
}
