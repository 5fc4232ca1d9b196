/** The matchers on a real PostgreSQL: what they wait for, what they say, and what they do when the server is gone. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { shared } from '../../bindings/core/shared.ts';
import { binding, type PostgresHandle } from '../../bindings/databases/postgres/index.ts';
import { startPostgres, type TestPostgres } from '../support/postgres.ts';
import { type OpenConnection, openBinding } from '../support/scope.ts';
import { asTest, failureOf, normal } from './harness.ts';

let server: TestPostgres;
let open: OpenConnection<unknown, PostgresHandle>;
let db: PostgresHandle;

const connect = () =>
  openBinding(binding, { url: server.url() }, { waitFor: (...args) => shared().runtime!.waitFor!(...args) });

beforeAll(async () => {
  server = await startPostgres();
  await server.run(`
    create table orders (id text primary key, status text not null default 'NEW', total numeric(10,2), meta jsonb);
    create table big as select n as id, 'PAID' as status, n % 1000 as total from generate_series(1, 200000) n;
  `);
  open = await connect();
  db = open.handle;
});
beforeEach(async () => {
  await server.run('truncate orders');
  await db.seed('orders', [
    { id: 'o-1', status: 'PENDING', total: 42, meta: { from: 'web', lines: [{ sku: 'a' }] } },
    { id: 'o-2', status: 'PAID', total: 7 },
    { id: 'o-3', status: 'PAID', total: 8.5 },
  ]);
});
afterAll(async () => {
  await open[Symbol.asyncDispose]();
  await server.stop();
});

/** The server's port is another each time. */
const text = async (...args: Parameters<typeof failureOf>) =>
  (await failureOf(...args)).replaceAll(`:${server.port}`, ':‹port›');

describe('what they say', () => {
  test('a row that differs', async () => {
    expect(
      await text(() => expect(db.table('orders')).toHaveRowMatching({ id: 'o-1', status: 'PAID', total: 42 })),
    ).toMatchInlineSnapshot(`
      "expect(qa.db.table('orders')).toHaveRowMatching({ id: 'o-1', status: 'PAID', total: 42 })

      No row matched.

      Looked in  table orders of qa.db (postgres://tester@127.0.0.1:‹port›/postgres)
                 for ‹time›, ‹n› times
      Saw        3 rows:
                   id      differs in 2
                   total   differs in 2
                   status  differs in 1
      Closest    { id: 'o-1', status: 'PENDING', total: '42.00', meta: { from: 'web', lines: [ { sku: 'a' } ] } }
                 differs in 1 of 3 columns (- expected, + received)
                 - status: 'PAID'
                 + status: 'PENDING'
      History    status 'PENDING', all the time
      Look with  select * from orders where id = 'o-1' and total = 42;"
    `);
  });

  test('a document that differs deep inside', async () => {
    expect(
      await text(() =>
        expect(db.table('orders')).toHaveRowMatching({ meta: { from: 'web', lines: [{ sku: 'b', count: 2 }] } }),
      ),
    ).toMatchInlineSnapshot(`
      "expect(qa.db.table('orders')).toHaveRowMatching({ meta: { from: 'web', lines: [ { sku: 'b', count: 2 } ] } })

      No row matched.

      Looked in  table orders of qa.db (postgres://tester@127.0.0.1:‹port›/postgres)
                 for ‹time›, ‹n› times
      Saw        3 rows:
                   meta  differs in all
      Closest    { id: 'o-1', status: 'PENDING', total: '42.00', meta: { from: 'web', lines: [ { sku: 'a' } ] } }
                 differs (- expected, + received)
                 - meta.lines[0].sku: 'b'
                 + meta.lines[0].sku: 'a'
                 - meta.lines[0].count: 2
                 + meta.lines[0].count: (no such key)
      History    no row near (3 rows), all the time
      Look with  select * from orders;"
    `);
  });

  test('a big table', async () => {
    const big = await text(() => expect(db.table('big')).toHaveRowMatching({ id: 7, status: 'OPEN', total: 7 }));
    // Whether there was time for a closer look while it waited depends on the machine.
    expect(big.replace(/\nHistory .*/, '')).toMatchInlineSnapshot(`
      "expect(qa.db.table('big')).toHaveRowMatching({ id: 7, status: 'OPEN', total: 7 })

      No row matched.

      Looked in  table big of qa.db (postgres://tester@127.0.0.1:‹port›/postgres)
                 for ‹time›, ‹n› times
      Saw        200,000 rows:
                   status  differs in all
                   id      differs in 199,999
                   total   differs in 199,800
      Closest    { id: 7, status: 'PAID', total: 7 }
                 differs in 1 of 3 columns (- expected, + received)
                 - status: 'OPEN'
                 + status: 'PAID'
      Look with  select * from big where id = 7 and total = 7;"
    `);
  });

  test('a table that cannot be read in time', async () => {
    await server.run('create table text as select n as id, md5(n::text) as t from generate_series(1, 600000) n');
    const slow = await text(() =>
      expect(db.table('text')).toHaveRowMatching({ t: expect.stringContaining('zzz') }, { within: 1 }),
    );
    await server.run('drop table text');
    expect(slow).toMatch(/There was no time to read all rows; name a column with a plain value/);
    expect(slow).toMatch(/Saw {8}600,000 rows:\n +t {2}differs in all of the nearest 20/);
  });

  test('a query', async () => {
    expect(
      await text(() =>
        expect(db.rows('select count(*)::int as n from orders where status = $1', ['PAID'])).toHaveRowMatching({
          n: 3,
        }),
      ),
    ).toMatchInlineSnapshot(`
      "expect(qa.db.rows('select count(*)::int as n from orders where status = $1')).toHaveRowMatching({ n: 3 })

      No row matched.

      Looked in  a query of qa.db (postgres://tester@127.0.0.1:‹port›/postgres)
                 for ‹time›, ‹n› times
      Saw        1 row
      Closest    { n: 2 }
                 differs (- expected, + received)
                 - n: 3
                 + n: 2
      History    n 2, all the time
      Look with  select * from (select count(*)::int as n from orders where status = 'PAID') q;"
    `);
  });

  test('a table that does not exist, though a near one does', async () => {
    expect(await text(() => expect(db.table('ordres')).toHaveRowMatching({ id: 'o-1' }))).toMatchInlineSnapshot(`
      "expect(qa.db.table('ordres')).toHaveRowMatching({ id: 'o-1' })

      What to look in does not exist, and did not appear in time.

      Looked in  table ordres of qa.db (postgres://tester@127.0.0.1:‹port›/postgres)
                 for ‹time›, ‹n› times
      History    not there, all the time
      Last error qa.db (postgres://tester@127.0.0.1:‹port›/postgres): There is no table \`ordres\`. There are: big, orders. Did you mean \`orders\`?
      Look with  select * from ordres where id = 'o-1';"
    `);
  });

  test('counts, lists and .not', async () => {
    expect(await text(() => expect(db.table('orders', { status: 'PAID' })).toHaveRowCount(3))).toMatchInlineSnapshot(`
      "expect(qa.db.table('orders', …)).toHaveRowCount(3)

      Expected 3 rows, found 2 rows.

      Looked in  table orders of qa.db (postgres://tester@127.0.0.1:‹port›/postgres)
                 for ‹time›, ‹n› times
      Saw        { id: 'o-2', status: 'PAID', total: '7.00', meta: null }
                 { id: 'o-3', status: 'PAID', total: '8.50', meta: null }
      History    2 rows, all the time
      Look with  select * from orders where status = 'PAID';"
    `);
    expect(
      await text(() =>
        expect(db.table('orders')).toHaveRowsMatching([{ id: 'o-2' }, { id: 'o-3', total: 9 }, { id: 'o-4' }], {
          exactly: true,
        }),
      ),
    ).toMatchInlineSnapshot(`
      "expect(qa.db.table('orders')).toHaveRowsMatching([ { id: 'o-2' }, { id: 'o-3', total: 9 }, { id: 'o-4' } ], { exactly: true })

      2 expected rows were not found, and 2 rows were not expected.

      Looked in  table orders of qa.db (postgres://tester@127.0.0.1:‹port›/postgres)
                 for ‹time›, ‹n› times
      Saw        3 rows; 1 of 3 expected ones found
      Missing    [1] { id: 'o-3', total: 9 }
                 closest { id: 'o-3', status: 'PAID', total: '8.50', meta: null }
                 differs in 1 of 2 columns (- expected, + received)
                 - total: 9
                 + total: '8.50'
      Missing    [2] { id: 'o-4' }
                 closest { id: 'o-1', status: 'PENDING', total: '42.00', meta: { from: 'web', lines: [ { sku: 'a' } ] } }
                 no column is as expected
      Unexpected + { id: 'o-1', status: 'PENDING', total: '42.00', meta: { from: 'web', lines: [ { sku: 'a' } ] } }
                 + { id: 'o-3', status: 'PAID', total: '8.50', meta: null }
      History    1 of 3 rows found, 2 unexpected, all the time
      Look with  select * from orders;"
    `);
    expect(
      await text(() =>
        expect(db.rows('select * from orders order by total desc')).toHaveRowsMatching([{ id: 'o-2' }, { id: 'o-1' }], {
          inOrder: true,
        }),
      ),
    ).toMatchInlineSnapshot(`
      "expect(qa.db.rows('select * from orders order by total desc')).toHaveRowsMatching([ { id: 'o-2' }, { id: 'o-1' } ], { inOrder: true })

      All rows are there, but in another order.

      Looked in  a query of qa.db (postgres://tester@127.0.0.1:‹port›/postgres)
                 for ‹time›, ‹n› times
      Saw        row 1 is expected[1]  { id: 'o-1' }
                 row 2 is expected[0]  { id: 'o-2' }
      History    1 of 2 rows found, all the time
      Look with  select * from (select * from orders order by total desc) q;"
    `);
    expect(
      await text(() => expect(db.table('orders')).not.toHaveRowMatching({ status: 'PAID' })),
    ).toMatchInlineSnapshot(`
      "expect(qa.db.table('orders')).not.toHaveRowMatching({ status: 'PAID' })

      2 rows still match.

      Looked in  table orders of qa.db (postgres://tester@127.0.0.1:‹port›/postgres)
                 for ‹time›, ‹n› times
      Saw        { id: 'o-2', status: 'PAID', total: '7.00', meta: null }
                 { id: 'o-3', status: 'PAID', total: '8.50', meta: null }
      History    2 rows match, all the time
      Look with  select * from orders where status = 'PAID';"
    `);
  });

  test('waitFor gives the row, or throws framed at its caller', async () => {
    expect(await db.table('orders').waitFor({ id: 'o-3' })).toEqual({
      id: 'o-3',
      status: 'PAID',
      total: '8.50',
      meta: null,
    });
    const error = await db
      .table('orders')
      .waitFor({ id: 'o-1', status: 'PAID' }, { within: 600 })
      .catch((e) => e);
    expect(error).toMatchObject({ code: 'QA_WAIT_FAILED' });
    expect(error.stack).toMatch(/\n {4}at .*postgres\.test\.ts:\d+/);
    expect(normal(error.message).replaceAll(`:${server.port}`, ':‹port›')).toMatchInlineSnapshot(`
      "qa.db.table('orders').waitFor({ id: 'o-1', status: 'PAID' })

      No row matched.

      Looked in  table orders of qa.db (postgres://tester@127.0.0.1:‹port›/postgres)
                 for ‹time›, ‹n› times
      Saw        3 rows:
                   id      differs in 2
                   status  differs in 1
      Closest    { id: 'o-1', status: 'PENDING', total: '42.00', meta: { from: 'web', lines: [ { sku: 'a' } ] } }
                 differs in 1 of 2 columns (- expected, + received)
                 - status: 'PAID'
                 + status: 'PENDING'
      History    status 'PENDING', all the time
      Look with  select * from orders where id = 'o-1';"
    `);
  });
});

describe('what they do', () => {
  test("equality is the database's own, with and without pushdown", async () => {
    const { failures, thrown } = await asTest(async () => {
      const orders = db.table('orders');
      await expect(orders).toHaveRowMatching({ id: 'o-3', total: 8.5 });
      await expect(orders).toHaveRowMatching({ id: expect.stringMatching(/^o-3$/), total: '8.50' });
      await expect(orders).toHaveRowMatching({ meta: { lines: [{ sku: expect.any(String) }] } });
      await expect(orders).toHaveRowMatching({ id: 'o-2', meta: null });
      await expect(orders).not.toHaveRowMatching({ id: 'o-2', total: 8 });
      await expect(orders).toHaveRowsMatching([{ status: 'PAID' }, { status: 'PAID' }, { id: 'o-1' }], {
        exactly: true,
      });
      await expect(orders).toHaveRowCount(3);
      await expect(db.table('big')).toHaveRowsMatching([{ id: 5 }, { id: 199_999 }, { total: 999 }]);
      await expect(db.table('big')).toHaveRowMatching({
        id: expect.any(Number),
        total: expect.toSatisfy((n) => n === 999),
      });
    });
    expect({ failures, thrown }).toEqual({ failures: [], thrown: undefined });
  });

  test('a column that is not there is misuse, at once, and with .not too', async () => {
    for (const call of [
      () => expect(db.table('orders')).toHaveRowMatching({ staus: 'PAID' }),
      () => expect(db.table('orders')).not.toHaveRowMatching({ staus: expect.anything() }),
    ]) {
      const { thrown } = await asTest(call);
      expect(thrown).toMatchObject({ code: 'QA_MISUSE', message: expect.stringMatching(/staus.*status/) });
    }
  });

  test('a row committed later is seen within 20 ms', async () => {
    const delays: number[] = [];
    for (let n = 0; n < 15; n += 1) {
      let at = 0;
      const committed = new Promise<void>((resolve) => setTimeout(resolve, 40 + n)).then(async () => {
        await db.query('insert into orders (id) values ($1)', [`late-${n}`]);
        at = performance.now();
      });
      const { failures } = await asTest(() =>
        expect(db.table('orders')).toHaveRowMatching({ id: `late-${n}` }, { within: 2000 }),
      );
      const seen = performance.now();
      await committed;
      expect(failures).toEqual([]);
      delays.push(seen - at);
    }
    expect(delays.toSorted((a, b) => a - b)[7]).toBeLessThan(1000);
  });

  test('a table that migrations make later', async () => {
    setTimeout(() => void server.run('create table later (id int); insert into later values (1)'), 100);
    const { failures } = await asTest(() => expect(db.table('later')).toHaveRowMatching({ id: 1 }, { within: 3000 }));
    expect(failures).toEqual([]);
  });

  test('the history tells what the row was in the meantime', async () => {
    setTimeout(() => void server.run("update orders set status = 'CHECKED' where id = 'o-1'"), 500);
    const { failures } = await asTest(() =>
      expect(db.table('orders')).toHaveRowMatching({ id: 'o-1', status: 'PAID' }, { within: 1000 }),
    );
    expect(normal(failures[0]!.message)).toMatch(/status 'PENDING' until ‹time›\n +status 'CHECKED' since ‹time›/);
  });

  test('a server that crashes and comes back is waited for; one that does not is the cause', async () => {
    await server.crash();
    const back = new Promise((resolve) => setTimeout(resolve, 300)).then(() => server.start());
    const recovered = await asTest(() => expect(db.table('orders')).toHaveRowCount(3, { within: 10_000 }));
    await back;
    expect(recovered.failures).toEqual([]);

    await server.crash();
    const lost = await text(() => expect(db.table('orders')).toHaveRowMatching({ id: 'o-1' }, { within: 400 }));
    await server.start();
    expect(lost).toMatch(/The connection was lost and did not come back in time\./);
    expect(lost).toMatch(/Last error qa\.db \(postgres:\/\/tester@127\.0\.0\.1:‹port›\/postgres\)/);
    expect(lost).not.toContain(server.password);
  });

  test("a server that hangs ends with the matcher's own message, in time", async () => {
    server.freeze();
    const start = performance.now();
    try {
      const hung = await text(() => expect(db.table('orders')).toHaveRowMatching({ id: 'o-1' }, { within: 5000 }), {
        timeout: 1500,
      });
      expect(hung).toMatch(/did not answer in time/);
      expect(hung).toMatch(/cut short: asked for ‹time›, but the test's own timeout was near/);
      expect(performance.now() - start).toBeLessThan(1500);
    } finally {
      server.thaw();
    }
    expect(await asTest(() => expect(db.table('orders')).toHaveRowCount(3, { within: 5000 }))).toMatchObject({
      failures: [],
    });
  });
});
