/** The wait of a matcher, or of `waitFor`, as one operation: its looks are parts of it. */
import { runtime } from '../bindings/core/runtime.ts';
import type { Outcome } from './wait.ts';

export interface Waiting {
  readonly matcher: string;
  /** `qa.db.table('orders')` */
  readonly source: string;
  readonly isNot: boolean;
  /** The arguments as a test writes them; asked for only where somebody reads it. */
  args(): string;
}

export function traced<Seen>(
  { matcher, source, isNot, args }: Waiting,
  wait: () => Promise<Outcome<Seen>>,
): Promise<Outcome<Seen>> {
  const record = runtime();
  if (record.trace === undefined) return wait();
  const attributes = {
    get call() {
      return matcher === 'waitFor'
        ? `${source}.waitFor(${args()})`
        : `expect(${source})${isNot ? '.not' : ''}.${matcher}(${args()})`;
    },
    ok: undefined as boolean | undefined,
    looks: undefined as number | undefined,
  };
  const connection = /^qa\.([\w$]+)/.exec(source)?.[1];
  return record.trace({ connection, kind: 'wait', operation: matcher, attributes }, async () => {
    const outcome = await wait();
    attributes.ok = outcome.ok;
    attributes.looks = outcome.looks;
    return outcome;
  });
}
