/** Secrets of a config: `secret('…')`, options by their names, passwords in URLs. All are found here, for every binding. */
import { inspect } from 'node:util';
import { HIDDEN, type Redactor, redactUrl } from './redact.ts';
import { isPlain, isReference, type OrReference, type Reference, reference } from './reference.ts';
import { SECRET_NAMES } from './secret-forms.ts';

const SECRET: unique symbol = Symbol.for('@qa/jest-preset/secret') as never;

/**
 * A value that no text of the package shows, whatever option it stands in. Passwords, tokens and the like need it not:
 * they are known by the names of their options.
 *
 * @param value a text, or a reference to one
 * @example
 * postgres({ url: fromEnv('DATABASE_URL'), applicationName: secret(fromEnv('TENANT')) })
 */
export function secret<T extends string = string>(value: OrReference<T>): Reference<T> {
  const made = reference(
    (context) => (isReference(value) ? value.resolve(context) : value),
    isReference(value) ? value.need : undefined,
  );
  // What holds it, and not it, is what one sees of it.
  return Object.defineProperties(made, {
    [SECRET]: { value: true },
    [inspect.custom]: { value: () => `secret('${HIDDEN}')` },
    toJSON: { value: () => HIDDEN },
  }) as Reference<T>;
}

/**
 * Makes a redactor hide what is secret in the options of a connection, and keep the names that texts must say.
 *
 * @param input as the config says
 * @param resolved the same with the values of its references
 */
export function hideSecrets(redactor: Redactor, input: unknown, resolved: unknown): void {
  const visit = (value: unknown, given: unknown, name: string): void => {
    const text = typeof value === 'string' ? value : Buffer.isBuffer(value) ? value.toString() : undefined;
    if (text !== undefined) note(redactor, { text, name, isSecret: isSecret(given) });
    else if (Array.isArray(value)) for (const [index, item] of value.entries()) visit(item, at(given, index), name);
    else if (isPlain(value)) for (const [key, item] of Object.entries(value)) visit(item, at(given, key), key);
  };
  visit(resolved, input, '');
}

/** What one sees of a connection's options: secrets are hidden by the names of their options, references are kept. */
export function presentable(input: unknown, name = ''): unknown {
  if (typeof input === 'string') return isSecretName(name) || isKey(input) ? HIDDEN : redactUrl(input);
  if (Buffer.isBuffer(input)) return isSecretName(name) || isKey(input.toString()) ? HIDDEN : input;
  if (Array.isArray(input)) return input.map((item) => presentable(item, name));
  if (isReference(input) || !isPlain(input)) return input;
  return Object.fromEntries(Object.entries(input).map(([key, value]) => [key, presentable(value, key)]));
}

function note(redactor: Redactor, { text, name, isSecret }: { text: string; name: string; isSecret: boolean }): void {
  if (isKey(text)) redactor.addKey(text);
  else if (isSecret || isSecretName(name)) redactor.add(text);
  else if (WORD_NAMES.has(name)) keepName(redactor, text);
  noteUrls(redactor, text);
}

/** Options that name something: of several hosts with ports each is a word. */
const WORD_NAMES: ReadonlySet<string> = new Set([
  ...['user', 'username', 'database', 'db', 'host', 'hosts', 'keyspace', 'namespace', 'schema', 'principal', 'realm'],
  ...['brokers', 'contactPoints', 'cluster', 'localDataCenter'],
]);

function keepName(redactor: Redactor, text: string): void {
  if (text.includes('://')) return;
  redactor.keep(text);
  for (const part of text.split(/[,:/]/)) if (part !== '') redactor.keep(part);
}

/** Also of an address whose scheme is wrong or missing. */
const LOGIN = /(?:^|\/)[^\s:@/?#]*:(?!\/\/)(\S+)@/g;
const PARAMETER = new RegExp(`[?&;](?:\\w*(?:${SECRET_NAMES.join('|')}))=([^&#;\\s]+)`, 'gi');

/** Passwords in URLs are secrets, the rest of them names. */
function noteUrls(redactor: Redactor, text: string): void {
  for (const [, secret] of text.matchAll(PARAMETER)) addEncoded(redactor, secret!);
  for (const part of new Set([text, ...text.split(/[\s,]+/)])) {
    if (URL.canParse(part)) {
      const { username, password, hostname, pathname } = new URL(part);
      addEncoded(redactor, password);
      for (const word of [username, hostname, pathname.split('/')[1] ?? '']) redactor.keep(decoded(word));
    }
    // A password that is not encoded may hold any of the characters that seem to end it.
    for (const [, rest] of part.matchAll(LOGIN)) addEncoded(redactor, rest!);
  }
}

function addEncoded(redactor: Redactor, text: string): void {
  redactor.add(text);
  redactor.add(decoded(text));
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text; // It holds a percent sign as it is.
  }
}

/** `password`, `sentinelPassword` */
function isSecretName(name: string): boolean {
  return SECRET_NAMES.some(
    (secret) => name === secret || name.endsWith(secret.charAt(0).toUpperCase() + secret.slice(1)),
  );
}

function isKey(text: string): boolean {
  return text.includes('PRIVATE KEY-----');
}

function isSecret(value: unknown): boolean {
  return isReference(value) && SECRET in value;
}

function at(value: unknown, key: string | number): unknown {
  return typeof value === 'object' && value !== null ? (value as Record<string | number, unknown>)[key] : undefined;
}
