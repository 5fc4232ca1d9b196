/** Whether a namespace is ours to reset: on a throwaway server, checked and not believed, or by list and marker. */
import type { Proof, Refusal } from '../../../core/binding.ts';
import { QaError } from '../../../core/errors.ts';
import { info } from '../client.ts';
import { printQuery } from '../query.ts';
import type { Store } from '../store.ts';
import { type Identity, isMarkerOf, MARKER_BIN, MARKER_KEY, MARKER_SET, markingAql } from './marker.ts';

/** A proof carries what may be emptied; undefined: all sets. */
export interface OwnProof extends Proof {
  sets: readonly string[] | undefined;
}

/** @throws QaError QA_NO_MARKER when sets are listed and the namespace does not carry the marker */
export async function ownership(store: Store): Promise<OwnProof | Refusal> {
  const { lease } = store.scope;
  if (lease) return checkLease(store);
  const sets = store.options.reset?.sets ?? [];
  if (sets.length === 0) {
    return {
      owned: false,
      because: `${store.address} is not a throwaway server of this run, and the config lists no sets that may be emptied (\`reset: { sets: […] }\`)`,
    };
  }
  return checkMarker(store, sets);
}

async function checkLease(store: Store): Promise<OwnProof | Refusal> {
  const { lease } = store.scope;
  const { nodes } = await identify(store);
  const { node } = lease!.secret;
  if (node !== undefined && nodes.length === 1 && nodes[0] === node) {
    return { owned: true, by: 'throwaway', because: lease!.because, sets: undefined };
  }
  return { owned: false, because: 'the connection leads to another server than the throwaway one that it was lent' };
}

async function checkMarker(store: Store, sets: readonly string[]): Promise<OwnProof> {
  const { connection, address } = store.place;
  const identity = await identify(store);
  const found = (await store.read(MARKER_SET, MARKER_KEY))?.bins[MARKER_BIN];
  if (isMarkerOf(found, identity)) {
    const because = `the namespace carries the marker ${String(found)}, and the config lists ${sets.length} of its sets`;
    return { owned: true, by: 'marker', because, sets };
  }
  throw new QaError('QA_NO_MARKER', {
    what: found
      ? `\`reset.sets\` is set, but the marker in the namespace, ${String(found)}, is another cluster's: its records were copied here, or its nodes are gone`
      : '`reset.sets` is set, but the namespace does not carry the marker that says it may be emptied',
    mend: `Only if this is a throw-away stand, whose data nobody will miss, run: \`${printQuery(store, markingAql(identity), MARKER_SET)}\``,
    connection,
    address,
  });
}

async function identify(store: Store): Promise<Identity> {
  const { client, namespace } = store;
  const nodes = client.getNodes().map(({ name }) => name);
  try {
    const { 'cluster-name': cluster = '' } = await info(client, ['cluster-name']);
    return { cluster: cluster === 'null' ? '' : cluster, nodes: nodes.sort(), namespace };
  } catch (error) {
    throw store.told(error, 'Asking for the name of the cluster');
  }
}
