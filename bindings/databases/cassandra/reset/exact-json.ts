/**
 * JSON that Cassandra has written, so that Cassandra reads it back as it was: numbers become texts, since it reads
 * numbers with a point as doubles, and a decimal would lose its digits.
 */
export function exactJson(json: string): string;
export function exactJson(json: string | null): string | null;
export function exactJson(json: string | null): string | null {
  // A text in quotes stays as it is, and so does a number in it.
  return (
    json?.replace(/"(?:[^"\\]|\\.)*"|-?\d[\d.eE+-]*/g, (token) => (token.startsWith('"') ? token : `"${token}"`)) ??
    null
  );
}
