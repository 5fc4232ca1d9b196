/** What the next file of a worker finds in a connection that an earlier one has used: nothing of it. */
import type pg from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { PostgresHandle } from '../../../bindings/databases/postgres/index.ts';
import { binding } from '../../../bindings/databases/postgres/index.ts';
import { startPostgres, type TestPostgres } from '../../support/postgres.ts';
import { type OpenConnection, openBinding } from '../../support/scope.ts';

let server: TestPostgres;
beforeAll(async () => {
  server = await startPostgres();
});
afterAll(() => server?.stop());

const open = (): Promise<OpenConnection<pg.Pool, PostgresHandle>> =>
  openBinding(binding as never, { url: server.url() }) as never;

describe('a pool that is as good as new', () => {
  test('settings, roles, temporary tables, listening and locks of the session are gone', async () => {
    await using opened = await open();
    const { client: pool } = opened;
    const [first] = await opened.handle.query<{ pid: number }>('select pg_backend_pid() as pid');
    await pool.query("set search_path = 'elsewhere'; set statement_timeout = 5; reset statement_timeout");
    await pool.query('create temp table left_over (id int); listen news');
    await pool.query('select pg_advisory_lock(4711)');
    expect(await binding.renew(pool)).toBe(true);
    const [row] = await opened.handle.query(`select pg_backend_pid() as pid, current_setting('search_path') as path,
      to_regclass('pg_temp.left_over') as "table", (select count(*)::int from pg_listening_channels()) as channels,
      (select count(*)::int from pg_locks where locktype = 'advisory') as locks`);
    expect(row).toEqual({ pid: first?.pid, path: '"$user", public', table: null, channels: 0, locks: 0 });
  });

  test('a transaction that was left open is rolled back', async () => {
    await using opened = await open();
    const client = await opened.client.connect();
    await client.query('begin; create table never (id int)');
    client.release();
    expect(await binding.renew(opened.client)).toBe(true);
    expect(await server.run("select to_regclass('never') as t")).toMatchObject({ rows: [{ t: null }] });
  });

  test('listeners that a test put on a client are gone, those of the driver and ours stay', async () => {
    await using opened = await open();
    const client = await opened.client.connect();
    const before = client.listenerCount('error');
    let heard = 0;
    client.on('notification', () => (heard += 1));
    client.on('error', () => (heard += 1));
    client.release();
    expect(await binding.renew(opened.client)).toBe(true);
    const again = await opened.client.connect();
    expect(again).toBe(client);
    expect(again.listenerCount('notification')).toBe(0);
    await again.query('listen news; notify news');
    again.release();
    expect(again.listenerCount('error')).toBe(before + 1); // the pool listens while a client is idle
    expect(heard).toBe(0);
  });

  test('listeners that a test put on the pool are gone, ours stay', async () => {
    await using opened = await open();
    const before = opened.client.listenerCount('error');
    let heard = 0;
    opened.client.on('error', () => (heard += 1));
    opened.client.on('acquire', () => (heard += 1));
    expect(await binding.renew(opened.client)).toBe(true);
    expect(opened.client.listenerCount('error')).toBe(before);
    heard = 0;
    await opened.client.query('select 1');
    expect(heard).toBe(0);
  });
});

describe('a pool that must be closed instead', () => {
  test('a client that was never given back', async () => {
    await using opened = await open();
    await opened.client.connect();
    expect(await binding.renew(opened.client)).toBe(false);
  });

  test('a prepared statement, which the driver would take for one that is still there', async () => {
    await using opened = await open();
    await opened.client.query({ name: 'mine', text: 'select 1' });
    expect(await binding.renew(opened.client)).toBe(false);
  });

  test('one that the test has ended', async () => {
    await using opened = await open();
    await opened.client.end();
    expect(await binding.renew(opened.client)).toBe(false);
  });

  test('a server that hangs, within its patience', async () => {
    await using opened = await open();
    server.freeze();
    try {
      expect(await binding.renew(opened.client)).toBe(false);
    } finally {
      server.thaw();
    }
  });
});
