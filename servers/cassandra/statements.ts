/**
 * Cuts a CQL text into statements as cqlsh does, and moves it into another keyspace: a schema file may create and name
 * its own, but each worker has one under another name.
 */

export interface Statement {
  text: string;
  /** Where it starts in the whole text, in UTF-16 units. */
  offset: number;
}

/** Comments, strings, quoted names, dollar quotes; else one word, or one character. */
const TOKEN =
  /--[^\n]*|\/\/[^\n]*|\/\*[\s\S]*?(?:\*\/|$)|'(?:[^']|'')*'|"(?:[^"]|"")*"|\$\$[\s\S]*?\$\$|[\p{L}_][\p{L}\p{N}_]*|[\s\S]/gu;

const isComment = (token: string) => /^(--|\/\/|\/\*)/.test(token);

export function statements(cql: string): Statement[] {
  const found: Statement[] = [];
  let text = '';
  let offset = -1;
  let isBatch = false;
  const finish = () => {
    if (offset >= 0) found.push({ text: text.trim(), offset });
    text = '';
    offset = -1;
    isBatch = false;
  };
  for (const { 0: token, index } of cql.matchAll(TOKEN)) {
    if (token === ';' && !isBatch) finish();
    else if (isComment(token)) text += ' '.repeat(token.length);
    else {
      if (offset < 0 && token.trim() !== '') offset = index;
      if (offset >= 0) text += token;
      if (/^begin\s+((un)?logged\s+|counter\s+)?batch$/i.test(text.trim())) isBatch = true;
      if (isBatch && /\bapply\s+batch$/i.test(text.trimEnd())) isBatch = false;
    }
  }
  finish();
  return found;
}

/** Keyspaces that a text creates, drops or uses, in the order they are named. */
export function keyspacesOf(all: readonly Statement[]): string[] {
  const names = all.flatMap(({ text }) => {
    const name = OF_KEYSPACE.exec(text)?.[1];
    return name === undefined ? [] : [plainName(name)];
  });
  return [...new Set(names)];
}

/** Whether it makes, changes or chooses a keyspace, which the run does itself. */
export function isAboutKeyspace({ text }: Statement): boolean {
  return OF_KEYSPACE.test(text);
}

const OF_KEYSPACE = /^(?:(?:create|alter|drop)\s+keyspace(?:\s+if(?:\s+not)?\s+exists)?|use)\s+("(?:[^"]|"")+"|\w+)/i;

/** `shop.orders` → `"events_1".orders` */
export function inKeyspace(text: string, from: readonly string[], to: string): string {
  const tokens = [...text.matchAll(TOKEN)].map(([token]) => token);
  return tokens
    .map((token, at) => {
      const isName = /^["\p{L}_]/u.test(token) && tokens[at + 1] === '.' && tokens[at - 1] !== '.';
      return isName && from.includes(plainName(token)) ? `"${to}"` : token;
    })
    .join('');
}

function plainName(token: string): string {
  return token.startsWith('"') ? token.slice(1, -1).replaceAll('""', '"') : token.toLowerCase();
}
