/**
 * Which records of a fetched partition belong to aborted transactions. kafkajs's own filter opens at most one
 * transaction a message, so that interleaved ones leak.
 */
export interface AbortedTransaction {
  readonly producerId: string;
  readonly firstOffset: string;
}

export interface FetchedRecord {
  readonly offset: string;
  readonly key: Buffer | null;
  readonly isControlRecord?: boolean;
  readonly batchContext?: { readonly producerId?: string; readonly inTransaction?: boolean };
}

/** Second half of a control record's key: 0 ends a transaction by aborting it. */
const ABORT = 0;

/** The records that an application sees, in their order: neither markers nor aborted ones. */
export function committed<R extends FetchedRecord>(
  records: readonly R[],
  aborted: readonly AbortedTransaction[],
): readonly R[] {
  const starts = aborted
    .map(({ producerId, firstOffset }) => ({ producerId, first: BigInt(firstOffset) }))
    .sort((a, b) => (a.first < b.first ? -1 : a.first > b.first ? 1 : 0));
  const open = new Set<string>();
  let next = 0;
  return records.filter((record) => {
    if (starts.length > 0) {
      const offset = BigInt(record.offset);
      for (; next < starts.length && starts[next]!.first <= offset; next += 1) open.add(starts[next]!.producerId);
    }
    const producer = String(record.batchContext?.producerId);
    if (record.isControlRecord) {
      if (record.key !== null && record.key.readInt16BE(2) === ABORT) open.delete(producer);
      return false;
    }
    return !(record.batchContext?.inTransaction && open.has(producer));
  });
}
