/** `expect(qa.vault.secret('secret/data/shop')).toHaveSecret({ version: 3, data: { user: 'qa' } })`; no value is shown. */
import { HIDDEN } from '../bindings/core/redact.ts';
import type { SecretObserver, SeenSecret } from '../bindings/core/secrets.ts';
import type { Expectation, Report, ReportContext } from './expectation.ts';
import { type Equality, isAsymmetric, isPlainObject } from './judge.ts';
import { judgeSecret, kindOfValue, type SecretVerdict } from './judge-secret.ts';
import { legend } from './message.ts';
import { noVersions, type WantedSecret } from './misuse-secrets.ts';
import type { Paint } from './paint.ts';
import { plural, print } from './print.ts';
import type { SecretOptions } from './types.ts';

/** Keys that are named of each kind. */
const SHOWN = 6;

/** What it sees is the secret that matches. */
export function secretMatching(
  observer: SecretObserver,
  wanted: WantedSecret,
  options: SecretOptions,
  { equality }: { equality: Equality },
  matcher: 'toHaveSecret' | 'waitFor' = 'toHaveSecret',
): Expectation<SeenSecret> {
  const exactly = options.exactly === true;
  const read = async (signal: AbortSignal) => {
    const seen = await observer.read({ signal });
    if (seen.there && seen.version === undefined && wanted.version !== undefined) throw noVersions(observer, matcher);
    return { seen, verdict: judgeSecret(seen, wanted, { equality, exactly }) };
  };
  return {
    matcher,
    get args() {
      return shapeOf(wanted) + (exactly ? ', { exactly: true }' : '');
    },
    observer,
    options,
    partials: [],
    async look(signal) {
      const { seen, verdict } = await read(signal);
      return { pass: verdict.pass, seen, state: stateOf(seen, verdict) };
    },
    async report({ isNot, paint, signal }: ReportContext<unknown>): Promise<Report> {
      const { seen, verdict } = await read(signal);
      const lines = seen.there
        ? [summary(seen), ...(isNot || verdict.pass ? [] : differing(verdict, paint))]
        : [...(seen.version === undefined ? [] : [`version ${seen.version}`]), ...(await observer.explain(signal))];
      return { headline: headline(seen, verdict, isNot), sections: [{ label: 'Saw', lines }] };
    },
  };
}

function headline(seen: SeenSecret, { pass }: SecretVerdict, isNot: boolean): string {
  if (isNot) return pass ? 'The secret still matches' : 'It matched until the time was up; by now it does not';
  if (pass) return 'The secret was not as expected in time; it is by now';
  return seen.there ? 'The secret is not as expected' : seen.why.charAt(0).toUpperCase() + seen.why.slice(1);
}

/** `version 2: user, password` */
function summary({ version, data }: SeenSecret & { there: true }): string {
  const keys = Object.keys(data);
  const more = keys.length > 12 ? `, … ${plural(keys.length - 12, 'more key')}` : '';
  const what = keys.length === 0 ? 'no keys' : keys.slice(0, 12).join(', ') + more;
  return version === undefined ? what : `version ${version}: ${what}`;
}

function differing({ version, differing: places, missing, unexpected }: SecretVerdict, paint: Paint): string[] {
  const some = (all: readonly string[]) =>
    [...all.slice(0, SHOWN), ...(all.length > SHOWN ? [`… ${plural(all.length - SHOWN, 'more key')}`] : [])].join(', ');
  const values = places.slice(0, SHOWN).flatMap(({ path, expected, actual }) => {
    const [wanted, got] = [kindOfValue(expected), kindOfValue(actual)];
    return [
      paint.expected(`- ${path}: ${wanted}`),
      paint.received(`+ ${path}: ${wanted === got ? `another ${got.replace(/^an? /, '')}` : got}`),
    ];
  });
  return [
    ...(missing.length > 0 ? [paint.expected(`missing: ${some(missing)}`)] : []),
    ...(unexpected.length > 0 ? [paint.received(`not expected: ${some(unexpected)}`)] : []),
    ...(version || places.length > 0 ? [`differs ${legend(paint)}`] : []),
    ...(version ? [paint.expected(`- version: ${version.wanted}`), paint.received(`+ version: ${version.got}`)] : []),
    ...values,
    ...(places.length > SHOWN ? [paint.dim(`  … and ${plural(places.length - SHOWN, 'more difference')}`)] : []),
  ];
}

/** For the history: `version 2, user not as expected`. */
function stateOf(seen: SeenSecret, { pass, differing, missing, unexpected }: SecretVerdict): string {
  const some = (paths: readonly string[]) => [...paths.slice(0, 3), ...(paths.length > 3 ? ['…'] : [])].join(', ');
  if (!seen.there) return seen.why;
  return [
    ...(seen.version === undefined ? [] : [`version ${seen.version}`]),
    ...(differing.length > 0 ? [`${some(differing.map(({ path }) => path))} not as expected`] : []),
    ...(missing.length > 0 ? [`${some(missing)} missing`] : []),
    ...(unexpected.length > 0 ? [`${some(unexpected)} too many`] : []),
    ...(pass && seen.version === undefined ? ['it matches'] : []),
  ].join(', ');
}

/** What was asked for, with nothing of its values: `{ version: 3, data: { user: ‹redacted› } }`. */
function shapeOf({ version, data }: WantedSecret): string {
  const parts = [
    ...(version === undefined ? [] : [`version: ${print(version)}`]),
    ...(data === undefined ? [] : [`data: ${keysOf(data)}`]),
  ];
  return `{ ${parts.join(', ')} }`;
}

function keysOf(value: unknown): string {
  if (isAsymmetric(value)) return kindOfValue(value);
  if (!isPlainObject(value)) return HIDDEN;
  return `{ ${Object.entries(value)
    .map(([key, item]) => `${key}: ${keysOf(item)}`)
    .join(', ')} }`;
}
