import { distance } from 'fastest-levenshtein';

/** The known word that `word` most likely means, or nothing when none is near. */
export function nearest(word: string, known: Iterable<string>): string | undefined {
  const lower = word.toLowerCase();
  let best: string | undefined;
  let bestDistance = Math.max(2, Math.floor(word.length / 3)) + 1;
  for (const candidate of known) {
    const d = distance(lower, candidate.toLowerCase());
    if (d < bestDistance) {
      best = candidate;
      bestDistance = d;
    }
  }
  return best;
}

/** A sentence that names the nearest known word, else all of them. */
export function didYouMean(word: string, known: readonly string[]): string {
  const hit = nearest(word, known);
  if (hit !== undefined) return `Did you mean \`${hit}\`?`;
  return known.length === 0 ? 'None is known here.' : `Known: ${known.map((k) => `\`${k}\``).join(', ')}.`;
}
