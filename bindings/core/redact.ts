/**
 * Keeps secrets out of texts. Values are registered when a config is resolved and when a secret is read; every text
 * that leaves the package passes through `redact`, before it is wrapped or cut.
 */
import { base64Pattern, escapeRegExp, type Forms, formsOf, localPattern, SECRET_NAMES } from './secret-forms.ts';

export const HIDDEN = '‹redacted›';

/** Secrets shorter than this are hidden only where they stand (an URL, an option): they would eat ordinary words. */
const SHORTEST_GLOBAL = 8;
/** Of a secret that was cut before it came here (`s3cr…`) at least so many characters are hidden. */
const SHORTEST_CUT = 5;
const CUT = /["'`]?(?:…|\.\.\.)/g;
// biome-ignore lint/suspicious/noControlCharactersInRegex: colours begin with it.
const COLOUR = /(\u001B\[[\d;]*m)/;

/** Words that texts about connections must be able to say, whatever somebody's password is. */
const OWN_WORDS = [
  ...SECRET_NAMES,
  ...['postgres', 'postgresql', 'cassandra', 'aerospike', 'dragonfly', 'kerberos', 'keyspace', 'database', 'namespace'],
  ...['username', 'principal', 'localhost', '127.0.0.1', 'connection', 'undefined'],
];

interface Patterns {
  everywhere: RegExp | undefined;
  inPlace: RegExp | undefined;
  /** Literal forms, for what was cut. */
  literals: readonly string[];
  longest: number;
}

export class Redactor {
  readonly #secrets = new Map<string, Forms>();
  readonly #words = new Set<string>(OWN_WORDS);
  #patterns: Patterns | undefined;

  /**
   * Hides `secret` in every text from now on: verbatim and as URLs, JSON, SQL, base64 and bytes write it. One that is
   * shorter than 8 characters, or is also a word to `keep`, is hidden in its own place only: behind the name of an
   * option (`password: 'shop'`) and in an URL.
   */
  add(secret: string): void {
    if (secret === '' || this.#secrets.has(secret)) return;
    this.#secrets.set(secret, formsOf(secret));
    this.#addLines(secret);
    this.#patterns = undefined;
  }

  /** Of several lines a diff shows each by itself, with its mark before it. */
  #addLines(secret: string): void {
    if (secret.includes('-----BEGIN ')) this.addKey(secret);
    if (!/[\r\n]/.test(secret)) return;
    for (const line of secret.split(/[\r\n]+/)) {
      const text = line.trim();
      if (text.length < SHORTEST_GLOBAL || text.includes('-----') || this.#secrets.has(text)) continue;
      this.#secrets.set(text, { literals: formsOf(text).literals, base64: [], patterns: [] });
    }
  }

  /** The body of a private key, PEM: its lines, however they are wrapped. */
  addKey(pem: string): void {
    for (const line of pem.split(/\r?\n|\\n/)) {
      if (line.length < 16 || /[- ]/.test(line)) continue;
      this.#secrets.set(line, { literals: [line], base64: [], patterns: [] });
    }
    this.#patterns = undefined;
  }

  /** A name that texts must be able to say: of a user, a database, a host, a kind. */
  keep(word: string): void {
    if (this.#words.has(word)) return;
    this.#words.add(word);
    this.#patterns = undefined;
  }

  /** Hides what another one hides, too. */
  include(other: Redactor): void {
    for (const [secret, forms] of other.#secrets) this.#secrets.set(secret, forms);
    for (const word of other.#words) this.#words.add(word);
    this.#patterns = undefined;
  }

  /** Whether there is anything to hide. */
  get isNeeded(): boolean {
    return this.#secrets.size > 0;
  }

  redact(text: string): string {
    if (this.#secrets.size === 0 || text === '') return text;
    this.#patterns ??= this.#compile();
    const { everywhere, inPlace, literals, longest } = this.#patterns;
    let result = text;
    if (everywhere)
      result = COLOUR.test(result) ? acrossColours(result, everywhere) : result.replace(everywhere, HIDDEN);
    if (inPlace) result = result.replace(inPlace, (_, before: string) => `${before}${HIDDEN}`);
    return literals.length > 0 && /…|\.\.\./.test(result) ? this.#hideCut(result, literals, longest) : result;
  }

  #compile(): Patterns {
    const isGlobal = (secret: string) => secret.length >= SHORTEST_GLOBAL && !this.#words.has(secret);
    const globals = [...this.#secrets].flatMap(([secret, forms]) => (isGlobal(secret) ? [forms] : []));
    const local = [...this.#secrets.keys()].filter((secret) => !isGlobal(secret));
    const sorted = (texts: string[]) => [...new Set(texts)].sort((a, b) => b.length - a.length);
    const literals = sorted(globals.flatMap((forms) => forms.literals));
    const base64 = sorted(globals.flatMap((forms) => forms.base64));
    const patterns = [...base64.map(base64Pattern), ...globals.flatMap((forms) => forms.patterns)];
    const all = [...literals.map(escapeRegExp), ...patterns];
    return {
      everywhere: all.length === 0 ? undefined : new RegExp(all.join('|'), 'g'),
      inPlace: local.length === 0 ? undefined : localPattern(local),
      literals: [...literals, ...base64],
      longest: Math.max(0, literals[0]?.length ?? 0, base64[0]?.length ?? 0),
    };
  }

  /** Others cut what they print: a driver, a runner, the label of a query. What is left of a secret goes as well. */
  #hideCut(text: string, literals: readonly string[], longest: number): string {
    let result = '';
    let from = 0;
    for (const { index } of text.matchAll(CUT)) {
      const before = text.slice(Math.max(from, index - longest), index);
      const rest = literals.reduce((most, literal) => Math.max(most, endingWith(before, literal)), 0);
      const isWord = rest > 0 && this.#words.has(before.slice(-rest));
      if (rest < SHORTEST_CUT || isWord) continue;
      result += `${text.slice(from, index - rest)}${HIDDEN}`;
      from = index;
    }
    return result + text.slice(from);
  }
}

/** How many characters at the end of `text` are the beginning of `literal`. */
function endingWith(text: string, literal: string): number {
  const start = literal.slice(0, SHORTEST_CUT);
  for (let at = text.indexOf(start, text.length - literal.length); at >= 0; at = text.indexOf(start, at + 1)) {
    if (literal.startsWith(text.slice(at))) return text.length - at;
  }
  return 0;
}

/** Runners colour parts of a text, also within a secret: colours are kept, whatever they are in. */
function acrossColours(text: string, pattern: RegExp): string {
  const tokens = text.split(COLOUR);
  const plain = tokens.filter((_, index) => index % 2 === 0).join('');
  const matches = [...plain.matchAll(pattern)].map(({ index, 0: found }) => [index, index + found.length] as const);
  if (matches.length === 0) return text;
  let result = '';
  let position = 0;
  let next = 0;
  for (const [index, token] of tokens.entries()) {
    if (index % 2 === 1) {
      result += token;
      continue;
    }
    const end = position + token.length;
    let at = position;
    while (at < end) {
      const [from, to] = matches[next] ?? [end, end];
      if (at < from) {
        const until = Math.min(from, end);
        result += plain.slice(at, until);
        at = until;
        continue;
      }
      if (at === from) result += HIDDEN;
      at = Math.min(to, end);
      if (at === to) next += 1;
    }
    position = end;
  }
  return result;
}

/** `postgres://u:p@h/d` → `postgres://u@h/d`, also for texts that are no URL in the strict sense. */
export function redactUrl(url: string): string {
  // A password that is not encoded may hold any of the characters that seem to end it.
  const isPlain = URL.canParse(url) && !new URL(url).pathname.includes('@');
  const login = isPlain ? /^([a-z][\w+.-]*:\/\/[^:@/?#]*):[^/?#]*@/i : /((?:^|[\s,/])[^\s:@/?#]*):(?!\/\/)\S+@/g;
  return url.replace(login, '$1@').replace(PARAMETER, `$1${HIDDEN}`);
}

const PARAMETER = new RegExp(`([?&;]\\w*(?:${SECRET_NAMES.join('|')})=)[^&#;\\s]*`, 'gi');
