/**
 * The grammar of QA_TAGS: names, `!`, `&&`, `||` and parentheses (`not`, `and`, `or` are the same).
 *
 * @example parseTags('smoke && !(slow || flaky)')
 */
import { QaError } from '../../bindings/core/errors.ts';

export type TagExpression =
  | { kind: 'tag'; name: string }
  | { kind: 'not'; operand: TagExpression }
  | { kind: 'and' | 'or'; left: TagExpression; right: TagExpression };

/** @throws QaError QA_TAG that points at the place */
export function parseTags(text: string): TagExpression {
  const tokens = tokenize(text);
  let at = 0;
  const peek = () => tokens[at];
  const fail = (what: string): never => {
    const position = peek()?.at ?? text.length;
    throw new QaError('QA_TAG', {
      what: `QA_TAGS cannot be read: ${what}\n  ${text}\n  ${' '.repeat(position)}^\n`,
      mend: "Write names joined by `&&`, `||`, `!` and parentheses, as in QA_TAGS='smoke && !(slow || flaky)'",
    });
  };

  const or = (): TagExpression => {
    let left = and();
    while (peek()?.kind === '||') {
      at += 1;
      left = { kind: 'or', left, right: and() };
    }
    return left;
  };
  const and = (): TagExpression => {
    let left = not();
    while (peek()?.kind === '&&') {
      at += 1;
      left = { kind: 'and', left, right: not() };
    }
    return left;
  };
  const not = (): TagExpression => {
    const token = peek();
    if (token === undefined) return fail('a tag is missing at the end');
    at += 1;
    if (token.kind === '!') return { kind: 'not', operand: not() };
    if (token.kind === 'tag') return { kind: 'tag', name: token.text };
    if (token.kind === '(') {
      const inner = or();
      if (peek()?.kind !== ')') return fail('a closing parenthesis is missing');
      at += 1;
      return inner;
    }
    at -= 1;
    return fail(`\`${token.text}\` stands where a tag should be`);
  };

  const result = or();
  if (at < tokens.length) fail(`\`${tokens[at]!.text}\` is not expected here`);
  return result;
}

/** Whether a test that carries `tags` is selected. */
export function matchesTags(expression: TagExpression, tags: ReadonlySet<string>): boolean {
  switch (expression.kind) {
    case 'tag':
      return tags.has(expression.name);
    case 'not':
      return !matchesTags(expression.operand, tags);
    case 'and':
      return matchesTags(expression.left, tags) && matchesTags(expression.right, tags);
    case 'or':
      return matchesTags(expression.left, tags) || matchesTags(expression.right, tags);
  }
}

/** All names that an expression mentions. */
export function tagsIn(expression: TagExpression): string[] {
  switch (expression.kind) {
    case 'tag':
      return [expression.name];
    case 'not':
      return tagsIn(expression.operand);
    default:
      return [...tagsIn(expression.left), ...tagsIn(expression.right)];
  }
}

interface Token {
  kind: 'tag' | '!' | '&&' | '||' | '(' | ')' | 'other';
  text: string;
  at: number;
}

const WORDS: Readonly<Record<string, Token['kind']>> = { and: '&&', or: '||', not: '!' };

function tokenize(text: string): Token[] {
  const tokens: Token[] = [];
  for (const match of text.matchAll(/&&|\|\||[!()]|@?[\p{L}\p{N}_][\p{L}\p{N}_:./-]*|\S/gu)) {
    const token = match[0];
    const at = match.index;
    if (token === '!' || token === '&&' || token === '||' || token === '(' || token === ')')
      tokens.push({ kind: token, text: token, at });
    else if (/^@?[\p{L}\p{N}_]/u.test(token)) {
      const word = WORDS[token];
      tokens.push(word ? { kind: word, text: token, at } : { kind: 'tag', text: token.replace(/^@/, ''), at });
    } else tokens.push({ kind: 'other', text: token, at });
  }
  return tokens;
}
