/** What can never work with entries is refused at once, whatever `.not` says. */
import { type Bounds, type EntryObserver, isEntrySource } from '../bindings/core/entries.ts';
import { SOURCE } from '../bindings/core/source.ts';
import { didYouMean } from '../bindings/core/suggest.ts';
import { isThenable } from '../bindings/core/thenable.ts';
import { isAsymmetric, isPlainObject } from './judge.ts';
import { isDuration, kindOf, misuse, optionsOf, sourcesBy, undefinedIn } from './misuse.ts';
import { print } from './print.ts';
import type { EntryOptions } from './types.ts';

/** The observer of a source of an entry. */
export function entryOf(received: unknown, matcher: string): EntryObserver {
  if (isEntrySource(received)) return received[SOURCE];
  const isPromise = isThenable(received);
  if (isPromise) received.then(undefined, () => {});
  const found = sourcesBy({ key: "key('…')" });
  const sources = found.length > 0 ? found.join(', ') : "`qa.<connection>.key('…')`";
  throw misuse(
    `expect(…).${matcher}() needs a source of an entry, but received ${kindOf(received)}`,
    isPromise
      ? `A matcher reads the source itself, again and again while it waits: give it the source, without \`.get()\``
      : `Sources of entries are ${sources}`,
  );
}

/** What an entry is compared with. */
export function expectedEntry({ label, noun, part }: EntryObserver, value: unknown, matcher: string): unknown {
  if (value === undefined || typeof value === 'function' || typeof value === 'symbol') {
    throw misuse(
      `${matcher}(): the expected value is ${kindOf(value)}, which no ${noun} can have`,
      `Give a value; for any value write \`expect.anything()\`, for "it is not there" \`expect(${label}).not.${matcher}(expect.anything())\``,
    );
  }
  if (isAsymmetric(value)) return value;
  if (isPlainObject(value) && Object.keys(value).length === 0) {
    throw misuse(
      `${matcher}(): the expected value is an empty object, which every object matches`,
      `Name at least one ${part}; for any value write \`expect.anything()\``,
    );
  }
  const path = undefinedIn(value, '');
  if (path === undefined) return value;
  throw misuse(
    `${matcher}(): \`${path}\` of the expected value is undefined, which nothing in a ${noun} can be`,
    `Check where the value comes from; for "any value" write \`expect.anything()\`, or leave the ${part} out`,
  );
}

/** The options of entries. */
export function entryOptions(observer: EntryObserver, value: unknown, matcher: string): EntryOptions {
  if (!isPlainObject(value)) return optionsOf<never>(value, matcher);
  const { as, ttl, generation, ...common } = value;
  const { forms, facts, label, noun } = observer;
  const known = [...(forms.length > 0 ? ['as'] : []), ...facts];
  const options: EntryOptions = { ...optionsOf<never>(common, matcher, [], known) };
  if (as !== undefined) {
    if (typeof as !== 'string' || !forms.includes(as)) {
      throw misuse(
        `${matcher}(): \`as\` cannot be ${print(as)} for ${label}`,
        forms.length === 0 ? 'Leave it out' : didYouMean(String(as), forms),
      );
    }
    options.as = as;
  }
  for (const [fact, given] of [
    ['ttl', ttl],
    ['generation', generation],
  ] as const) {
    if (given === undefined || facts.includes(fact)) continue;
    throw misuse(`${matcher}(): \`${fact}\` is not known of a ${noun}: ${label}`, `Leave \`${fact}\` out`);
  }
  if (ttl !== undefined) {
    if (ttl !== 'none' && !isBounds(ttl))
      throw notBounds(
        matcher,
        'ttl',
        ttl,
        "Write `{ ttl: { atMost: 60_000 } }` (and `atLeast`), in ms, or `{ ttl: 'none' }`",
      );
    options.ttl = ttl;
  }
  if (generation !== undefined) {
    if (!isDuration(generation) && !isBounds(generation))
      throw notBounds(
        matcher,
        'generation',
        generation,
        'Write `{ generation: 2 }` or `{ generation: { atLeast: 2 } }`',
      );
    options.generation = generation as number | Bounds;
  }
  return options;
}

export function isBounds(value: unknown): value is Bounds {
  if (!isPlainObject(value)) return false;
  const entries = Object.entries(value).filter(([, bound]) => bound !== undefined);
  return (
    entries.length > 0 && entries.every(([key, bound]) => ['atLeast', 'atMost'].includes(key) && isDuration(bound))
  );
}

function notBounds(matcher: string, name: string, value: unknown, mend: string): Error {
  return misuse(`${matcher}(): \`${name}\` cannot be ${print(value)}`, mend);
}
