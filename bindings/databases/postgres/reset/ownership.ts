/** Whether a database is ours to reset: as a throwaway one, checked and not believed, or by list and marker. */
import type pg from 'pg';
import type { Proof, Refusal, Scope } from '../../../core/binding.ts';
import { QaError } from '../../../core/errors.ts';
import { type Context, contextOf, type ResetOptions, type ResetTarget } from './context.ts';
import { carriesMarker, foreignMarker, type Identity, markerOf, markingSql } from './marker.ts';
import { ThrowawayResetter } from './throwaway.ts';

/**
 * @throws QaError QA_NO_MARKER when tables are listed and the database does not carry the marker; QA_RESET_FAILED
 * when they are listed on a read replica
 */
export async function ownership(target: ResetTarget, options: ResetOptions, scope: Scope): Promise<Proof | Refusal> {
  const context = contextOf(target, scope);
  if (scope.lease) return checkLease(target, scope, context);
  const tables = options.reset?.tables ?? [];
  if (tables.length === 0) {
    return {
      owned: false,
      because: `${context.address} is not a throwaway server of this run, and the config lists no tables that may be emptied (\`reset: { tables: […] }\`)`,
    };
  }
  return checkMarker(target.pool, context, tables);
}

/** A proof by marker carries what may be emptied. */
export interface MarkerProof extends Proof {
  by: 'marker';
  tables: readonly string[];
}

interface Place {
  system: string;
  database: string;
  oid: number;
  /** When the server was started, as text: tells a copy of the data folder from the original. */
  started: string;
}

const PLACE = `
  select s.system_identifier::text as system, d.datname as database, d.oid::text as oid,
         extract(epoch from pg_postmaster_start_time())::text as started
    from pg_database d, pg_control_system() s where d.datname = current_database()`;

/** Resetters whose connection has proved a lease: asking for one more would cost every file. */
const proved = new WeakMap<Proof, ThrowawayResetter>();

/** The resetter that `proof` was given with, still to be opened. */
export function provedBy(proof: Proof): ThrowawayResetter | undefined {
  return proved.get(proof);
}

async function checkLease(target: ResetTarget, scope: Scope, context: Context): Promise<Proof | Refusal> {
  const { lease } = scope;
  const { adminUrl, database } = lease!.secret;
  if (!adminUrl || !database) return { owned: false, because: 'its lease does not say which database was lent' };
  const resetter = new ThrowawayResetter(context, { connectionString: databaseUrl(adminUrl, database) });
  try {
    const [seen, lent] = await Promise.all([target.pool.query<Place>(PLACE), resetter.ask<Place>(PLACE, scope.signal)]);
    const found = seen.rows[0]!;
    if (Object.entries(lent).every(([key, value]) => found[key as keyof Place] === value)) {
      const proof: Proof = { owned: true, by: 'throwaway', because: lease!.because };
      proved.set(proof, resetter);
      return proof;
    }
    await resetter.close();
    return {
      owned: false,
      because: `the connection leads to database "${found.database}" of another server than the throwaway one that it was lent`,
    };
  } catch (error) {
    await resetter.close();
    throw error;
  }
}

interface Marked extends Identity {
  comment: string | null;
  replica: boolean;
}

const MARKED = `
  select s.system_identifier::text as system, d.datname as database,
         shobj_description(d.oid, 'pg_database') as comment, pg_is_in_recovery() as replica
    from pg_database d, pg_control_system() s where d.datname = current_database()`;

async function checkMarker(pool: pg.Pool, context: Context, tables: readonly string[]): Promise<MarkerProof> {
  const { connection, address } = context;
  const { rows } = await pool.query<Marked>(MARKED).catch((cause) => {
    if (cause?.code !== '42501') throw cause;
    throw new QaError('QA_RESET_FAILED', {
      what: '`reset.tables` is set, but this user may not ask for the identity of the server, which the marker is bound to',
      mend: 'GRANT EXECUTE ON FUNCTION pg_control_system() TO it, or take `reset` out of the config',
      connection,
      address,
      cause,
    });
  });
  const { comment, replica, ...identity } = rows[0]!;
  if (replica) {
    throw new QaError('QA_RESET_FAILED', {
      what: '`reset.tables` is set, and this is a read replica, where nothing can be emptied',
      mend: 'Let the connection lead to the primary, or take `reset` out of the config',
      connection,
      address,
    });
  }
  if (carriesMarker(comment, identity)) {
    return {
      owned: true,
      by: 'marker',
      because: `the database carries ${markerOf(identity)}, and the config lists ${tables.length} of its tables`,
      tables,
    };
  }
  const foreign = foreignMarker(comment);
  throw new QaError('QA_NO_MARKER', {
    what: foreign
      ? `\`reset.tables\` is set, but the marker on the database, ${foreign}, is another database's: this one is a copy of it or was renamed`
      : '`reset.tables` is set, but the database does not carry the marker that says it may be emptied',
    mend: `Only if this is a throw-away stand, whose data nobody will miss, let its owner run: ${markingSql(comment, identity)}`,
    connection,
    address,
  });
}

/** The same address with another database. */
export function databaseUrl(url: string, database: string): string {
  const changed = new URL(url);
  changed.pathname = `/${encodeURIComponent(database)}`;
  return changed.href;
}
