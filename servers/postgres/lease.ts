/** Hands out databases: one for each worker, cloned from a template that the schema filled once. */
import { createHash } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Lease, Namespace } from '../../bindings/core/binding.ts';
import { redactUrl } from '../../bindings/core/redact.ts';
import { isEmbedded } from '../../bindings/core/server.ts';
import type { KeeperClient } from '../client.ts';
import { Failed } from '../protocol.ts';
import { type LoadedSchema, loadSchema, runSchema } from '../schema.ts';
import { type PgClient, quote, withClient, withDatabase } from './pg.ts';
import { applyFile, SQL } from './schema.ts';
import { asSuperuser, findTarget, makeRole, prepare, type Target } from './target.ts';

export interface PostgresRequest {
  /** `embedded(…)`, or a started PostgreSQL. */
  server: unknown;
  /** The connection's name in the config. */
  connection: string;
  namespace: Namespace;
  baseDir: string;
  /** The module `pg` of the user's project. */
  driver: unknown;
  signal: AbortSignal;
  /** One line to the user, once a run. */
  notice(line: string): void;
  /** Told the address of a lent server, redacted, for errors. */
  onLent(address: string): void;
}

interface Role {
  user: string;
  password: string;
}

export async function leasePostgres(request: PostgresRequest, line: KeeperClient): Promise<Lease> {
  const { server, connection, namespace, baseDir, driver, signal } = request;
  const { schema, isolation = 'worker' } = isEmbedded(server) ? server.options : {};
  const loaded = await loadSchema(schema, baseDir, SQL);
  const target = await findTarget(server, { line, baseDir, signal });
  if (!target.isOurs) request.onLent(redactUrl(target.adminUrl));
  const names = new Names(connection, loaded, target.isOurs ? undefined : namespace.run);
  const owner = isolation === 'worker' ? namespace.worker : 'shared';
  const database = names.of(owner);

  const make = (admin: PgClient) => makeDatabase(admin, { request, line, target, names, loaded, database });
  const url = await line.once<string>(
    `database ${target.id} ${database}`,
    async () => {
      const made = await withClient(driver, target.adminUrl, signal, make);
      return { value: made, address: made };
    },
    signal,
  );
  return {
    options: { url },
    because: target.because,
    isShared: isolation === 'run',
    secret: { adminUrl: target.adminUrl, database },
  };
}

interface Making {
  request: PostgresRequest;
  line: KeeperClient;
  target: Target;
  names: Names;
  loaded: LoadedSchema | undefined;
  database: string;
}

/** Returns the database's address. */
async function makeDatabase(admin: PgClient, making: Making): Promise<string> {
  const { request, line, target, names, loaded, database } = making;
  const { role } = await line.once<{ role: Role | null }>(
    `role ${target.id} ${names.role}`,
    async () => {
      await prepare(admin, request.notice);
      // On a lent server its own user owns the databases.
      return { value: { role: target.isOurs ? await makeRole(admin, names.role) : null } };
    },
    request.signal,
  );
  if (loaded) {
    await line.once(
      `template ${target.id} ${names.of('template')}`,
      async () => ({ value: await makeTemplate(admin, making, { role, loaded }) }),
      request.signal,
    );
  }
  await createDatabase(admin, database, { role, template: loaded && names.of('template') });
  return address(target, role, database);
}

/** The database that all are cloned from, filled once a run and schema. */
async function makeTemplate(
  admin: PgClient,
  { request: { driver, signal }, target, names }: Making,
  { role, loaded }: { role: Role | null; loaded: LoadedSchema },
): Promise<null> {
  const database = names.of('template');
  const url = address(target, role, database);
  const fill = async () => {
    if (loaded.run) await runSchema(loaded.run, url, 'database');
    if (loaded.files.length === 0) return;
    await withClient(driver, url, signal, async (client) => {
      for (const file of loaded.files) await applyFile(client, file);
    });
  };
  await createDatabase(admin, database, { role });
  if (role) await asSuperuser(admin, role.user, fill);
  else await fill();
  await untilUnused(admin, database, signal);
  await admin.query(`alter database ${quote(database)} with allow_connections false`);
  return null;
}

/** A maker that died may have left one half made. */
async function createDatabase(
  admin: PgClient,
  database: string,
  { role, template }: { role: Role | null; template?: string | undefined },
): Promise<void> {
  await admin.query(`drop database if exists ${quote(database)} with (force)`);
  const owner = role ? ` owner ${quote(role.user)}` : '';
  await admin.query(`create database ${quote(database)}${owner}${template ? ` template ${quote(template)}` : ''}`);
}

/** Sessions of a template would make each clone wait and fail. Ours end a moment after their socket has closed. */
async function untilUnused(admin: PgClient, database: string, signal: AbortSignal): Promise<void> {
  const patience = performance.now() + 2000;
  for (;;) {
    const { rows } = await admin.query(
      "select application_name as name from pg_stat_activity where datname = $1 and backend_type = 'client backend'",
      [database],
    );
    if (rows.length === 0) return;
    if (performance.now() > patience) {
      const names = [...new Set(rows.map(({ name }) => (name ? `\`${name}\`` : 'one without application_name')))];
      throw new Failed({
        code: 'QA_SCHEMA_FAILED',
        what: `The function \`schema\` has returned but left ${rows.length} connection${rows.length > 1 ? 's' : ''} open (${names.join(', ')}), so its database cannot be cloned`,
        mend: 'Close its pool or client before it returns: `await pool.end()`',
      });
    }
    await sleep(5, undefined, { signal });
  }
}

function address(target: Target, role: Role | null, database: string): string {
  const url = new URL(withDatabase(target.adminUrl, database));
  if (role) {
    url.username = role.user;
    url.password = role.password;
  }
  return url.href;
}

/** Names that tell whose a database is: `db_1_3f2a9c0d`. They change with the schema. */
class Names {
  readonly role: string;
  readonly #prefix: string;
  readonly #suffix: string;

  constructor(connection: string, loaded: LoadedSchema | undefined, run: string | undefined) {
    const readable = connection.replace(/\W+/g, '_').toLowerCase().slice(0, 30);
    const digest = (text: string) => createHash('sha256').update(text).digest('hex').slice(0, 8);
    // Names in the config differ by case, too.
    this.role = readable === connection ? `qa_${readable}` : `qa_${readable}_${digest(connection)}`;
    this.#prefix = run === undefined ? readable : `qa_${run}_${readable}`;
    this.#suffix = digest(`${connection} ${loaded?.hash}`);
  }

  of(owner: string): string {
    return `${this.#prefix}_${owner.replace(/\W+/g, '_')}_${this.#suffix}`;
  }
}
