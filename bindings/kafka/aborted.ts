/**
 * Which batches of a fetched partition an application sees: neither markers nor what belongs to aborted transactions.
 * kafkajs's own filter opens at most one transaction a message, so that interleaved ones leak.
 */
import { type Batch, isAbort } from './protocol/batches.ts';

export interface AbortedTransaction {
  readonly producerId: bigint;
  readonly firstOffset: bigint;
}

export function committed(batches: readonly Batch[], aborted: readonly AbortedTransaction[]): readonly Batch[] {
  const starts = aborted.toSorted((a, b) =>
    a.firstOffset < b.firstOffset ? -1 : a.firstOffset > b.firstOffset ? 1 : 0,
  );
  const open = new Set<bigint>();
  let next = 0;
  return batches.filter((batch) => {
    for (; next < starts.length && starts[next]!.firstOffset <= batch.lastOffset; next += 1)
      open.add(starts[next]!.producerId);
    if (batch.isControl) {
      if (open.has(batch.producerId) && isAbort(batch)) open.delete(batch.producerId);
      return false;
    }
    return !(batch.isTransactional && open.has(batch.producerId));
  });
}
