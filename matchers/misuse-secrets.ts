/** What can never work with secrets is refused at once, whatever `.not` says; without a word of their values. */
import type { Bounds } from '../bindings/core/entries.ts';
import { isSecretSource, type SecretConditions, type SecretObserver } from '../bindings/core/secrets.ts';
import { SOURCE } from '../bindings/core/source.ts';
import { didYouMean } from '../bindings/core/suggest.ts';
import { isThenable } from '../bindings/core/thenable.ts';
import { isAsymmetric, isPlainObject } from './judge.ts';
import { misuse, sourcesBy, undefinedIn } from './misuse.ts';
import { isBounds } from './misuse-entries.ts';
import type { AsymmetricLike } from './types.ts';

/** What a test wants of a secret, checked. */
export interface WantedSecret {
  version?: number | Bounds | AsymmetricLike;
  data?: Record<string, unknown> | AsymmetricLike;
}

/** The observer of a source of a secret. */
export function secretOf(received: unknown, matcher: string): SecretObserver {
  if (isSecretSource(received)) return received[SOURCE];
  const isPromise = isThenable(received);
  if (isPromise) received.then(undefined, () => {});
  const found = sourcesBy({ secret: "secret('…')" });
  throw misuse(
    `expect(…).${matcher}() needs a source of a secret, but received ${typeOf(received)}`,
    isPromise
      ? 'A matcher reads the source itself, again and again while it waits: give it the source, without `.read()`'
      : `Sources of secrets are ${found.length > 0 ? found.join(', ') : "`qa.<connection>.secret('…')`"}`,
  );
}

const KEYS = ['version', 'data'] as const satisfies (keyof SecretConditions)[];

export function expectedSecret({ label }: SecretObserver, value: unknown, matcher: string): WantedSecret {
  const write = 'Write `{ version: 3 }`, `{ data: { user: … } }`, or both';
  if (!isPlainObject(value)) throw misuse(`${matcher}() takes an object, but got ${typeOf(value)}`, write);
  for (const key of Object.keys(value)) {
    if ((KEYS as readonly string[]).includes(key)) continue;
    throw misuse(
      `${matcher}(): a secret has no \`${key}\``,
      Object.hasOwn(value, 'data') || Object.hasOwn(value, 'version')
        ? didYouMean(key, KEYS)
        : `Its values stand in \`data\`: \`{ data: { ${key}: … } }\``,
    );
  }
  const { version, data } = value;
  if (version === undefined && data === undefined) {
    throw misuse(
      `${matcher}(): the expected secret is empty, which every secret matches`,
      `${write}; for "there is one" \`{ data: expect.anything() }\`, for "it is not there" \`expect(${label}).not.${matcher}({ data: expect.anything() })\``,
    );
  }
  if (version !== undefined && !isVersion(version)) {
    throw misuse(
      `${matcher}(): \`version\` must be a whole number from 1 or bounds, but is ${typeOf(version)}`,
      'Write `{ version: 3 }` or `{ version: { atLeast: 3 } }`',
    );
  }
  if (data !== undefined) checkData(data, matcher);
  return { ...(version !== undefined && { version }), ...(data !== undefined && { data }) } as WantedSecret;
}

function checkData(data: unknown, matcher: string): void {
  if (isAsymmetric(data)) return;
  if (!isPlainObject(data)) {
    throw misuse(
      `${matcher}(): \`data\` must be an object of keys, but is ${typeOf(data)}`,
      "Write `{ data: { user: 'qa' } }`",
    );
  }
  if (Object.keys(data).length === 0) {
    throw misuse(
      `${matcher}(): \`data\` is empty, which every secret matches`,
      'Name at least one key; for any data write `expect.anything()`',
    );
  }
  const path = undefinedIn(data, '');
  if (path === undefined) return;
  throw misuse(
    `${matcher}(): \`${path}\` of \`data\` is undefined, which no secret can hold`,
    'Check where the value comes from; for "any value" write `expect.anything()`, or leave the key out',
  );
}

/** Of a store that has no versions nobody can ask for one. */
export function noVersions({ label }: SecretObserver, matcher: string): Error {
  return misuse(`${matcher}(): ${label} keeps no versions`, 'Leave `version` out: only version 2 of KV counts them');
}

function isVersion(value: unknown): boolean {
  return isAsymmetric(value) || isBounds(value) || (Number.isInteger(value) && Number(value) >= 1);
}

/** What it is, not what it holds. */
function typeOf(value: unknown): string {
  if (value === null || value === undefined) return String(value);
  if (isThenable(value)) return 'a Promise';
  if (Array.isArray(value)) return 'a list';
  if (typeof value === 'number') return `the number ${value}`;
  return typeof value === 'object' ? 'an object' : `a ${typeof value}`;
}
