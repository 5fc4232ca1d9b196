/**
 * The marker that says: this database may be emptied. It is bound to the cluster and to the database's name, so
 * that a dump restored elsewhere, or a copy under another name, never carries a valid one.
 */
export interface Identity {
  /** Of the cluster, made by initdb. */
  system: string;
  database: string;
}

export function markerOf({ system, database }: Identity): string {
  return `qa-may-empty:${system}:${database}`;
}

/** The marker may stand beside other words of the database's comment. */
export function carriesMarker(comment: string | null, identity: Identity): boolean {
  const marker = markerOf(identity);
  const at = (comment ?? '').indexOf(marker);
  if (at === -1) return false;
  const after = comment![at + marker.length];
  const before = at === 0 ? undefined : comment![at - 1];
  return (after === undefined || /\s/.test(after)) && (before === undefined || /\s/.test(before));
}

/** A marker of another cluster or database: a restored or renamed copy. */
export function foreignMarker(comment: string | null): string | undefined {
  return /(?:^|\s)(qa-may-empty:\S+)/.exec(comment ?? '')?.[1];
}

/** SQL that sets the marker, keeping what the comment says already. */
export function markingSql(comment: string | null, identity: Identity): string {
  const kept = (comment ?? '').replace(/(?:^|\s)qa-may-empty:\S+/g, '').trim();
  const text = `${kept}${kept && ' '}${markerOf(identity)}`.replaceAll("'", "''");
  return `COMMENT ON DATABASE "${identity.database.replaceAll('"', '""')}" IS '${text}';`;
}
