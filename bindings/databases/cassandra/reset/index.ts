/** How a Cassandra connection is reset, and when it may be. */
import type { Client } from 'cassandra-driver';
import type { Proof, Refusal, Resetter, Scope } from '../../../core/binding.ts';
import { QaError } from '../../../core/errors.ts';
import { didYouMean } from '../../../core/suggest.ts';
import { placeOf } from '../client.ts';
import { connectionError, type Place } from '../errors.ts';
import { parseTableName } from '../names.ts';
import type { ParsedOptions } from '../options.ts';
import type { Baseline } from './baseline.ts';
import { findMarker, giveLock, markingCql, takeLock } from './marker.ts';
import { KeyspaceResetter } from './resetter.ts';
import { Tables } from './tables.ts';

/** What a proof was given for. */
interface Proved {
  tables: Tables;
  place: Place;
  baseline: Baseline;
  only?: readonly string[];
}

const proved = new WeakMap<Proof, Proved>();

/** @throws QaError QA_NO_MARKER when tables are listed and the keyspace does not carry the marker */
export async function ownership(client: Client, options: ParsedOptions, scope: Scope): Promise<Proof | Refusal> {
  const place = placeOf(options, scope);
  if (scope.lease) return checkLease(client, options, scope, place);
  const listed = options.reset?.tables ?? [];
  if (listed.length === 0) {
    return {
      owned: false,
      because: `${place.address} is not a throwaway server of this run, and the config lists no tables that may be emptied (\`reset: { tables: […] }\`)`,
    };
  }
  return checkMarker(client, listed, { scope, place });
}

/** @throws QaError QA_NOT_OURS for a proof that is not `ownership`'s own, QA_RESET_BLOCKED when another run holds the lock */
export async function reset(client: Client, proof: Proof, scope: Scope): Promise<Resetter> {
  const found = proved.get(proof);
  if (found === undefined) {
    throw new QaError('QA_NOT_OURS', {
      what: 'The proof that this keyspace is ours is not the one that `ownership` gave',
      mend: 'Pass on the object itself, not a copy',
      connection: scope.connection,
    });
  }
  const { tables, place, baseline, only } = found;
  if (only === undefined) return new KeyspaceResetter(tables, { place, baseline });
  const holder = { keyspace: tables.keyspace, run: scope.namespace.run };
  const guard = async (signal: AbortSignal) => {
    const other = await takeLock(client, holder, signal);
    if (other !== undefined) throw blocked(place, other);
  };
  await guard(scope.signal);
  const release = async () => {
    try {
      await giveLock(client, holder);
    } catch (error) {
      // Of a server that is gone the lock ends by itself.
      if (!connectionError(error, place)) throw error;
    }
  };
  return new KeyspaceResetter(tables, { place, baseline, only, guard, release });
}

/** The lease is checked and not believed: the connection must lead to the very node and keyspace. */
async function checkLease(
  client: Client,
  options: ParsedOptions,
  { lease, signal }: Scope,
  place: Place,
): Promise<Proof | Refusal> {
  const { keyspace, host, baseline } = lease!.secret;
  if (!keyspace || !host || !baseline) {
    return { owned: false, because: 'its lease does not say which keyspace was lent' };
  }
  const tables = new Tables(client, keyspace);
  const seen = await tables.hostId(signal);
  if (seen !== host || options.address?.keyspace !== keyspace) {
    return {
      owned: false,
      because: `the connection leads to keyspace ${options.address?.keyspace} of another server than the throwaway one that it was lent`,
    };
  }
  const proof: Proof = { owned: true, by: 'throwaway', because: lease!.because };
  proved.set(proof, { tables, place, baseline: JSON.parse(baseline) as Baseline });
  return proof;
}

async function checkMarker(
  client: Client,
  listed: readonly string[],
  { scope, place }: { scope: Scope; place: Place },
): Promise<Proof> {
  const { keyspace, connection, address } = place;
  const fail = (code: 'QA_NO_MARKER' | 'QA_CONFIG', what: string, mend: string) =>
    new QaError(code, { what, mend, connection, address });
  if (keyspace === undefined) throw fail('QA_CONFIG', '`reset.tables` is set, but no keyspace', 'Give `keyspace`');
  const marker = await findMarker(client, keyspace, scope.signal);
  if (marker !== 'valid') {
    throw fail(
      'QA_NO_MARKER',
      marker === 'foreign'
        ? "`reset.tables` is set, but the marker in the keyspace is another keyspace's: this one is a copy of it"
        : '`reset.tables` is set, but the keyspace does not carry the marker that says it may be emptied',
      `Only if this is a throw-away stand, whose data nobody will miss, run: ${marker === 'foreign' ? `DROP TABLE ${keyspace}.qa_may_empty; ` : ''}${markingCql(keyspace)}`,
    );
  }
  const tables = new Tables(client, keyspace);
  const names = (await tables.shapes(scope.signal)).map(({ name }) => name);
  const only = listed.map((written) => {
    const { name, isExact, keyspace: other } = parseTableName(written, connection);
    const hit = names.find((each) => each === name) ?? names.find((each) => !isExact && each === name.toLowerCase());
    if (hit !== undefined && (other === undefined || other === keyspace)) return hit;
    throw fail(
      'QA_CONFIG',
      `\`reset.tables\` names \`${written}\`, and the keyspace has no such table`,
      didYouMean(name, names),
    );
  });
  const proof: Proof = {
    owned: true,
    by: 'marker',
    because: `the keyspace ${keyspace} carries the marker, and the config lists ${only.length} of its tables`,
  };
  proved.set(proof, { tables, place, baseline: { schema: [], rows: {} }, only });
  return proof;
}

function blocked({ connection, address }: Place, holder: string): QaError {
  return new QaError('QA_RESET_BLOCKED', {
    what: `Another run (${holder}) empties these tables now`,
    mend: 'Wait until it has ended; a run that was killed holds them for a minute',
    connection,
    address,
  });
}
