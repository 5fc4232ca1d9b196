/** How a PostgreSQL connection is reset, and when it may be. */
import type { Proof, Resetter, Scope } from '../../../core/binding.ts';
import { QaError } from '../../../core/errors.ts';
import { contextOf, type ResetTarget } from './context.ts';
import { MarkedResetter } from './marked.ts';
import { type MarkerProof, provedBy } from './ownership.ts';
import type { ThrowawayResetter } from './throwaway.ts';

export type { ResetOptions, ResetTarget } from './context.ts';
export { ownership } from './ownership.ts';

/**
 * A resetter for a target with a proof. Takes the baseline of a throwaway database when nobody has yet, or the lock
 * of a marked one.
 *
 * @throws QaError QA_RESET_BLOCKED when another run holds the lock of a marked database, QA_CONFIG for a listed
 * table that does not exist
 */
export async function reset(target: ResetTarget, proof: Proof, scope: Scope): Promise<Resetter> {
  const context = contextOf(target, scope);
  if (proof.by === 'throwaway') {
    const resetter = provedBy(proof);
    if (resetter) return opened(resetter, scope);
    throw new QaError('QA_NOT_OURS', {
      what: 'The proof that this database is a throwaway one is not the one that `ownership` gave',
      mend: 'Pass on the object itself, not a copy',
      connection: context.connection,
      address: context.address,
    });
  }
  const resetter = new MarkedResetter(context, target.pool, (proof as MarkerProof).tables);
  return opened(resetter, scope);
}

/** A half-open one gives back what it holds. */
async function opened(resetter: ThrowawayResetter | MarkedResetter, scope: Scope): Promise<Resetter> {
  try {
    await resetter.open(scope.signal);
    return resetter;
  } catch (error) {
    await resetter.close();
    throw error;
  }
}
