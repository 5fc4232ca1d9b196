/** Names in Vitest's `--tagsFilter`, which it only accepts where its config lists them. */
const KEYWORDS: ReadonlySet<string> = new Set(['and', 'or', 'not']);

/** The tags that the expressions name; patterns with `*` are left to Vitest. */
export function tagsInFilter(expressions: readonly string[]): string[] {
  const words = expressions.flatMap((text) => text.split(/&&|\|\||[!()\s]+/));
  return words.filter((word) => word !== '' && !word.includes('*') && !KEYWORDS.has(word.toLowerCase()));
}
