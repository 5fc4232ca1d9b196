/**
 * The source map of a transformation that keeps each line in its place (as sucrase does, whose own map loses the
 * columns after a template literal that ends with `${…}`).
 */
import { encode, type SourceMapSegment } from '@jridgewell/sourcemap-codec';

export interface SourceMap {
  version: 3;
  sources: [string];
  sourcesContent: [string];
  names: string[];
  mappings: string;
}

export function lineMap(source: string, code: string, path: string): SourceMap {
  const sourceLines = source.split('\n');
  const lines = code.split('\n').map((line, index) => segments(sourceLines[index] ?? '', line, index));
  return { version: 3, sources: [path], sourcesContent: [source], names: [], mappings: encode(lines) };
}

/** Above this many pairs of tokens a changed line is compared from its ends only: it is no code that one reads. */
const MOST_PAIRS = 1_000_000;

interface Token {
  text: string;
  at: number;
}

function segments(source: string, code: string, line: number): SourceMapSegment[] {
  const to = tokens(code);
  if (source === code) return to.map(({ at }) => [at, 0, line, at]);
  const from = tokens(source);
  let start = 0;
  while (start < from.length && start < to.length && from[start]!.text === to[start]!.text) start += 1;
  let end = 0;
  const most = Math.min(from.length, to.length) - start;
  while (end < most && from[from.length - 1 - end]!.text === to[to.length - 1 - end]!.text) end += 1;

  const pairs: [Token, Token][] = [];
  for (let i = 0; i < start; i += 1) pairs.push([from[i]!, to[i]!]);
  pairs.push(...common(from.slice(start, from.length - end), to.slice(start, to.length - end)));
  for (let i = end; i > 0; i -= 1) pairs.push([from[from.length - i]!, to[to.length - i]!]);
  const found = pairs.map(([a, b]): SourceMapSegment => [b.at, 0, line, a.at]);
  // What was put in before the first token of the source belongs to the line's beginning.
  if (found[0]?.[0] !== 0) found.unshift([0, 0, line, 0]);
  return found;
}

/** Pairs of equal tokens, in order, that make up the most text: the longest common subsequence. */
function common(from: readonly Token[], to: readonly Token[]): [Token, Token][] {
  const [n, m] = [from.length, to.length];
  if (n === 0 || m === 0 || n * m > MOST_PAIRS) return [];
  const width = m + 1;
  const best = new Uint32Array((n + 1) * width);
  for (let i = n - 1; i >= 0; i -= 1) {
    for (let j = m - 1; j >= 0; j -= 1) {
      const skipped = Math.max(best[(i + 1) * width + j]!, best[i * width + j + 1]!);
      const taken = from[i]!.text === to[j]!.text ? best[(i + 1) * width + j + 1]! + weight(from[i]!.text) : 0;
      best[i * width + j] = Math.max(skipped, taken);
    }
  }
  const pairs: [Token, Token][] = [];
  for (let i = 0, j = 0; i < n && j < m; ) {
    const here = best[i * width + j]!;
    if (from[i]!.text === to[j]!.text && here === best[(i + 1) * width + j + 1]! + weight(from[i]!.text)) {
      pairs.push([from[i]!, to[j]!]);
      i += 1;
      j += 1;
    } else if (here === best[(i + 1) * width + j]!) i += 1;
    else j += 1;
  }
  return pairs;
}

/** A name says more than a bracket. */
function weight(text: string): number {
  return /^[\w$]/.test(text) ? text.length + 1 : 1;
}

function tokens(line: string): Token[] {
  return Array.from(line.matchAll(/[\w$]+|\s+|[^\w\s$]/gu), (match) => ({ text: match[0], at: match.index }));
}
