/** Whether a secret is as expected, and where it is not, in words that tell no value. */
import type { Bounds } from '../bindings/core/entries.ts';
import type { SeenSecret } from '../bindings/core/secrets.ts';
import type { Values } from '../bindings/core/source.ts';
import { ABSENT, type Difference, differences, type Equality, isAsymmetric, isPlainObject } from './judge.ts';
import { bounds, within } from './judge-entry.ts';
import type { WantedSecret } from './misuse-secrets.ts';
import { plural, print, printCount } from './print.ts';

export interface SecretVerdict {
  pass: boolean;
  /** Where the version differs; both sides in words. */
  version: { wanted: string; got: string } | undefined;
  /** Keys whose values differ. */
  differing: Difference[];
  /** Paths of expected keys that are not there. */
  missing: string[];
  /** With `exactly`: keys that nobody named. */
  unexpected: string[];
}

export function judgeSecret(
  seen: SeenSecret,
  wanted: WantedSecret,
  { equality, exactly }: { equality: Equality; exactly: boolean },
): SecretVerdict {
  const data = seen.there ? seen.data : {};
  const found = seen.there && wanted.data !== undefined ? dataDifferences(data, wanted.data, equality) : [];
  const named = exactly && isPlainObject(wanted.data) ? wanted.data : data;
  const verdict = {
    version: versionDifference(seen.version, wanted.version, equality),
    differing: found.filter(({ actual }) => actual !== ABSENT),
    missing: found.filter(({ actual }) => actual === ABSENT).map(({ path }) => path),
    unexpected: Object.keys(data).filter((key) => !Object.hasOwn(named, key)),
  };
  const isSame = verdict.version === undefined && found.length + verdict.unexpected.length === 0;
  return { pass: seen.there && isSame, ...verdict };
}

function dataDifferences(data: Values, wanted: WantedSecret['data'] & object, equality: Equality): Difference[] {
  return isPlainObject(wanted)
    ? differences(data, wanted, equality)
    : differences({ data }, { data: wanted }, equality);
}

function versionDifference(
  version: number | undefined,
  wanted: WantedSecret['version'],
  equality: Equality,
): SecretVerdict['version'] {
  if (wanted === undefined) return undefined;
  const got = String(version);
  if (isAsymmetric(wanted)) {
    const isSame = differences({ version }, { version: wanted }, equality).length === 0;
    return isSame ? undefined : { wanted: print(wanted), got };
  }
  const limits = typeof wanted === 'number' ? { atLeast: wanted, atMost: wanted } : (wanted as Bounds);
  if (version !== undefined && within(version, limits)) return undefined;
  return { wanted: typeof wanted === 'number' ? String(wanted) : bounds(limits, printCount), got };
}

/** What kind of value it is: nothing that helps to guess it but its length. */
export function kindOfValue(value: unknown): string {
  if (isAsymmetric(value)) return /^\w+(<\w+>)?/.exec(value.toAsymmetricMatcher?.() ?? '')?.[0] ?? 'a matcher';
  if (typeof value === 'string') return `text of ${plural(value.length, 'character')}`;
  if (Array.isArray(value)) return `a list of ${plural(value.length, 'item')}`;
  if (value === null) return 'null';
  return typeof value === 'object' ? 'an object' : `a ${typeof value}`;
}
