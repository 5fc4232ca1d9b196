/**
 * Keeps secrets out of texts. Values are registered when the config is resolved; every text that leaves
 * the package passes through `redact`.
 */
export const HIDDEN = '‹redacted›';

/** Secrets shorter than this are hidden only where they stand (in an URL), not everywhere. */
const SHORTEST_GLOBAL = 8;

export class Redactor {
  readonly #values = new Set<string>();

  /** Hides `secret` in every text from now on. Short values are left alone: they would eat ordinary words. */
  add(secret: string): void {
    if (secret.length < SHORTEST_GLOBAL) return;
    this.#values.add(secret);
    this.#values.add(encodeURIComponent(secret));
  }

  /** Hides what another one hides, too. */
  include(other: Redactor): void {
    for (const value of other.#values) this.#values.add(value);
  }

  redact(text: string): string {
    let result = text;
    for (const value of this.#values) result = result.replaceAll(value, HIDDEN);
    return result;
  }
}

/** `postgres://u:p@h/d` → `postgres://u@h/d`, also for texts that are no URL in the strict sense. */
export function redactUrl(url: string): string {
  return url
    .replace(/^([a-z][\w+.-]*:\/\/[^:@/?#]*):[^@/?#]*@/i, '$1@')
    .replace(/([?&](?:password|passphrase|token|secret)=)[^&#]*/gi, `$1${HIDDEN}`);
}
