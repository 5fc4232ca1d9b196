/** The server that databases are made on: a throwaway one of the run, or one that was lent to it. */
import { createHash, randomBytes } from 'node:crypto';
import { isEmbedded } from '../../bindings/core/server.ts';
import type { LentPostgres } from '../../bindings/databases/postgres/server.ts';
import type { KeeperClient } from '../client.ts';
import { startedOnce } from '../lent.ts';
import { Failed } from '../protocol.ts';
import { type PgClient, type PgError, quote } from './pg.ts';
import { findPrograms } from './programs.ts';
import type { PostgresInfo, PostgresOptions } from './start.ts';

export interface Target {
  /** Tells servers apart within a run. */
  id: string;
  /** Of an administrator, to the maintenance database. */
  adminUrl: string;
  /** Whether it is the run's own. */
  isOurs: boolean;
  because: string;
}

const DEFAULT_START_TIMEOUT = 60_000;

export async function findTarget(
  server: unknown,
  { line, baseDir, signal }: { line: KeeperClient; baseDir: string; signal: AbortSignal },
): Promise<Target> {
  if (!isEmbedded(server)) return lent(server as LentPostgres);
  const { binaries, startTimeout = DEFAULT_START_TIMEOUT } = server.options;
  const options = { ...findPrograms(binaries, baseDir), startTimeout };
  const info = await line.start<PostgresInfo, PostgresOptions>('postgres', options, signal);
  return {
    id: info.id,
    adminUrl: `postgres://${info.user}:${info.password}@${info.host}:${info.port}/postgres`,
    isOurs: true,
    because: 'a throwaway PostgreSQL that this run started',
  };
}

/** Prepares the server, once a run: what the reset reads the WAL with. */
export async function prepare(admin: PgClient, notice: (line: string) => void): Promise<void> {
  const { rows } = await admin.query("select 1 from pg_available_extensions where name = 'pg_walinspect'");
  if (rows.length === 0) return;
  try {
    await admin.query('create extension if not exists pg_walinspect');
  } catch (error) {
    if ((error as PgError).code !== '42501') throw error;
    notice('The user of the lent PostgreSQL is no superuser: resets cannot read its WAL and take a slower way.');
  }
}

/**
 * The role that a connection's `url` names. It owns its databases and may do what an application's own role may, but it
 * is no superuser: row level security and grants work as in production, and the connections that the server reserves for
 * superusers stay free for resets. It is one only while the schema is applied (`asSuperuser`).
 */
export async function makeRole(admin: PgClient, name: string): Promise<{ user: string; password: string }> {
  const password = randomBytes(18).toString('base64url');
  const role = quote(name);
  const { rows } = await admin.query("select current_setting('server_version_num')::int as version");
  const version = Number(rows[0]!.version);
  await admin.query(`drop role if exists ${role}`);
  await admin.query(`create role ${role} login createdb createrole password '${password}'`);
  await admin.query(`grant pg_monitor, pg_signal_backend to ${role}`);
  if (version >= 150_000) await admin.query(`grant set on parameter session_replication_role to ${role}`);
  // As before PostgreSQL 16: who creates a role may use it.
  if (version >= 160_000) await admin.query(`alter role ${role} set createrole_self_grant = 'set, inherit'`);
  return { user: name, password };
}

/**
 * The role is a superuser while `run` runs: migrations may create any extension. After an abort `admin` is closed and the
 * role stays one; the next maker of the template ends that.
 */
export async function asSuperuser(admin: PgClient, role: string, run: () => Promise<void>): Promise<void> {
  await admin.query(`alter role ${quote(role)} superuser`);
  try {
    await run();
  } catch (error) {
    await admin.query(`alter role ${quote(role)} nosuperuser`).catch(() => undefined);
    throw error;
  }
  await admin.query(`alter role ${quote(role)} nosuperuser`);
}

async function lent(server: LentPostgres): Promise<Target> {
  const given = await startedOnce(server);
  if (typeof given?.getConnectionUri !== 'function') {
    throw new Failed({
      code: 'QA_CONFIG',
      what: '`server` is neither `embedded(…)` nor a started PostgreSQL: it has no `getConnectionUri()`',
      mend: 'Give `embedded()`, or what `await new PostgreSqlContainer(…).start()` returns',
    });
  }
  const url = new URL(given.getConnectionUri());
  const id = createHash('sha256').update(`${url.username}@${url.host}`).digest('hex').slice(0, 8);
  url.pathname = '/postgres';
  return { id, adminUrl: url.href, isOurs: false, because: 'a PostgreSQL that was started for this run' };
}
