/** In which forms a secret may stand in a text. */
import { inspect } from 'node:util';

/** Names of options whose values are secrets, also at the end of a longer name: `sentinelPassword`. */
export const SECRET_NAMES = [
  'password',
  'passphrase',
  'token',
  'secret',
  'secretId',
  'apiKey',
  'privateKey',
  'jwt',
] as const;

export interface Forms {
  /** Texts as they are. */
  readonly literals: readonly string[];
  /** In base64, without what depends on its surroundings. */
  readonly base64: readonly string[];
  /** Sources of regular expressions: where something may stand between the parts. */
  readonly patterns: readonly string[];
}

/** `util.inspect` shows so many bytes of a Buffer, and so many items of a list. */
const SHOWN_BYTES = 50;
const SHOWN_ITEMS = 100;

export function formsOf(secret: string): Forms {
  const bytes = Buffer.from(secret);
  const hex = bytes.toString('hex');
  const pairs = hex.replace(/..(?=.)/g, '$& ');
  const literals = [
    secret,
    ...encoded(secret),
    ...escaped(secret),
    hex,
    hex.toUpperCase(),
    bytes.length > SHOWN_BYTES ? pairs.slice(0, SHOWN_BYTES * 3 - 1) : pairs,
  ];
  // A list on one line, one item a line, or as a diff shows it.
  const list = [...bytes.subarray(0, SHOWN_ITEMS)].join(',[\\s+-]*');
  return {
    literals: [...new Set(literals)],
    base64: [...new Set(inBase64(bytes))],
    patterns: [`(?<!\\d)${list}(?!\\d)`],
  };
}

/** A part in base64, with the character that also holds something of what follows, and its padding. */
export function base64Pattern(part: string): string {
  return `${escapeRegExp(part)}[\\w+/-]?={0,2}`;
}

/** As URLs and forms write it. */
function encoded(secret: string): string[] {
  const url = new URL('http://host');
  url.password = secret;
  const ways = [
    encodeURIComponent(wellFormed(secret)),
    new URLSearchParams([['', secret]]).toString().slice(1),
    url.password,
  ];
  return ways.flatMap((way) => [way, way.replace(/%[\dA-F]{2}/g, (code) => code.toLowerCase())]);
}

/** As JSON (also within JSON), `util.inspect`, SQL and shells quote it. */
function escaped(secret: string): string[] {
  const json = JSON.stringify(secret).slice(1, -1);
  const backslashes = secret.replaceAll('\\', '\\\\');
  return [
    json,
    JSON.stringify(json).slice(1, -1),
    inspect(secret).slice(1, -1),
    backslashes,
    secret.replaceAll("'", "''"),
    backslashes.replaceAll("'", "''"),
    backslashes.replaceAll("'", "\\'"),
    secret.replaceAll("'", `'\\''`),
  ];
}

/** What is always the same wherever in a longer text it begins: `user:secret`. */
function inBase64(bytes: Buffer): string[] {
  return [0, 1, 2].flatMap((offset) => {
    const text = Buffer.concat([Buffer.alloc(offset), bytes]).toString('base64');
    const part = text.slice(Math.ceil((offset * 8) / 6), Math.floor(((offset + bytes.length) * 8) / 6));
    return [part, part.replaceAll('+', '-').replaceAll('/', '_')];
  });
}

/**
 * Secrets that are also words: behind the name of an option, and as the password in an URL. The first group is what
 * stands before.
 */
export function localPattern(secrets: readonly string[]): RegExp {
  const texts = secrets.flatMap((secret) => [
    ...formsOf(secret).literals.slice(0, 1),
    encodeURIComponent(wellFormed(secret)),
  ]);
  const any = [...new Set(texts)]
    .sort((a, b) => b.length - a.length)
    .map(escapeRegExp)
    .join('|');
  const names = SECRET_NAMES.join('|');
  return new RegExp(`((?:${names})["'\`]?\\s*[:=]\\s*\\\\?["'\`]?|:\\/\\/[^\\s:@/]*:)(?:${any})(?![\\w-])`, 'gi');
}

export function escapeRegExp(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|/-]/g, '\\$&');
}

/** Half of a surrogate pair cannot be encoded. */
function wellFormed(text: string): string {
  return text.replace(/[\uD800-\uDBFF](?![\uDC00-\uDFFF])|(?<![\uD800-\uDBFF])[\uDC00-\uDFFF]/g, '\uFFFD');
}
