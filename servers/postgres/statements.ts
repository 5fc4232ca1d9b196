/**
 * Cuts an SQL text into statements as psql does, so that each runs in a transaction of its own: `create index
 * concurrently` and a new enum value that is used in the next statement work as they do there.
 */

export interface Statement {
  text: string;
  /** Where it starts in the whole text, in UTF-16 units. */
  offset: number;
}

/**
 * What a semicolon or a word may hide in: comments (nested ones are handled apart), strings, E'' strings, quoted
 * names, dollar quotes. Else one word, or one character.
 */
const TOKEN =
  /--[^\n]*|\/\*|[eE]'(?:[^'\\]|\\.|'')*'|'(?:[^']|'')*'|"(?:[^"]|"")*"|\$([\p{L}_][\p{L}\p{N}_]*)?\$|[\p{L}_][\p{L}\p{N}_$]*|[\s\S]/guy;

export function statements(sql: string): Statement[] {
  const found: Statement[] = [];
  let start = 0;
  let words: string[] = [];
  let parentheses = 0;
  let blocks = 0;
  TOKEN.lastIndex = 0;

  const finish = (end: number) => {
    const text = sql.slice(start, end);
    const blank = leading(text);
    if (blank < text.length) found.push({ text: text.slice(blank), offset: start + blank });
    start = end + 1;
    words = [];
    parentheses = 0;
    blocks = 0;
  };

  for (let match = TOKEN.exec(sql); match !== null; match = TOKEN.exec(sql)) {
    const token = match[0];
    if (token === '/*') TOKEN.lastIndex = commentEnd(sql, match.index);
    else if (/^\$.*\$$/su.test(token)) {
      const end = sql.indexOf(token, TOKEN.lastIndex);
      TOKEN.lastIndex = end < 0 ? sql.length : end + token.length;
    } else if (token === '(') parentheses += 1;
    else if (token === ')') parentheses -= 1;
    else if (token === ';') {
      if (parentheses <= 0 && blocks <= 0) finish(match.index);
    } else if (/^[\p{L}_]/u.test(token) && !token.endsWith("'")) {
      const word = token.toLowerCase();
      if (words.length < 4) words.push(word);
      // The body of a function in standard SQL: begin atomic … end.
      if (isRoutine(words)) {
        if (word === 'begin' || (word === 'case' && blocks > 0)) blocks += 1;
        else if (word === 'end' && blocks > 0) blocks -= 1;
      }
    }
  }
  finish(sql.length);
  return found;
}

function isRoutine(words: readonly string[]): boolean {
  return /^create (or replace )?(function|procedure)\b/.test(words.join(' '));
}

/** Length of the blanks and comments that a text begins with. */
function leading(text: string): number {
  let at = 0;
  for (;;) {
    const blank = /^(?:\s+|--[^\n]*)+/.exec(text.slice(at));
    if (blank) at += blank[0].length;
    else if (text.startsWith('/*', at)) at = commentEnd(text, at);
    else return at;
  }
}

/** Comments nest. */
function commentEnd(sql: string, from: number): number {
  const mark = /\/\*|\*\//g;
  mark.lastIndex = from;
  let depth = 0;
  for (let match = mark.exec(sql); match !== null; match = mark.exec(sql)) {
    depth += match[0] === '/*' ? 1 : -1;
    if (depth === 0) return mark.lastIndex;
  }
  return sql.length;
}
