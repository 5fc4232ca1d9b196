/**
 * The marker that says: sets of this namespace may be emptied. A record that is bound to a node of the cluster and to
 * the namespace's name, so that a backup that is restored elsewhere never carries a valid one.
 */
export const MARKER_SET = 'qa_marker';
export const MARKER_KEY = 'qa-may-empty';
/** Its bin. */
export const MARKER_BIN = 'marker';

export interface Identity {
  /** As its nodes are configured to say; often none. */
  cluster: string;
  /** Ids of the nodes that the cluster has now. */
  nodes: readonly string[];
  namespace: string;
}

/** Bound to the first node: any that is still there is as good. */
export function markerOf(identity: Identity): string {
  return written(identity, identity.nodes[0] ?? '');
}

export function isMarkerOf(marker: unknown, identity: Identity): boolean {
  return identity.nodes.some((node) => marker === written(identity, node));
}

/** What sets it, in Aerospike's own query language. */
export function markingAql(identity: Identity): string {
  return `INSERT INTO ${identity.namespace}.${MARKER_SET} (PK, ${MARKER_BIN}) VALUES ('${MARKER_KEY}', '${markerOf(identity)}')`;
}

function written({ cluster, namespace }: Identity, node: string): string {
  return ['qa-may-empty', cluster || '-', node, namespace].join(':');
}
