/** The failure texts, whole: each is read as a user reads it. */
import { expect, test } from 'vitest';
import { QaError } from '../../bindings/core/errors.ts';
import { arrayStore } from './array-source.ts';
import { failureOf } from './harness.ts';

const orders = () => [
  { id: 'o-1', status: 'PENDING', total: 42 },
  { id: 'o-2', status: 'PAID', total: 7 },
  { id: 'o-3', status: 'PAID', total: 8 },
];

test('a row that differs in one column', async () => {
  const { source } = arrayStore(orders());
  expect(
    await failureOf(() => expect(source).toHaveRowMatching({ id: 'o-1', status: 'PAID', total: 42 })),
  ).toMatchInlineSnapshot(`
    "expect(qa.db.table('orders')).toHaveRowMatching({ id: 'o-1', status: 'PAID', total: 42 })

    No row matched.

    Looked in  table orders of qa.db (memory)
               for ‹time›, ‹n› times
    Saw        3 rows:
                 id      differs in 2
                 total   differs in 2
                 status  differs in 1
    Closest    { id: 'o-1', status: 'PENDING', total: 42 }
               differs in 1 of 3 columns (- expected, + received)
               - status: 'PAID'
               + status: 'PENDING'
    History    status 'PENDING', all the time
    Look with  select * from orders where {"id":"o-1","total":42}"
  `);
});

test('no rows at all', async () => {
  const { source } = arrayStore();
  expect(await failureOf(() => expect(source).toHaveRowMatching({ id: 'o-1' }))).toMatchInlineSnapshot(`
    "expect(qa.db.table('orders')).toHaveRowMatching({ id: 'o-1' })

    No row matched.

    Looked in  table orders of qa.db (memory)
               for ‹time›, ‹n› times
    Saw        no rows at all
    History    no rows, all the time
    Look with  select * from orders where {"id":"o-1"}"
  `);
});

test('no row that is near', async () => {
  const { source } = arrayStore(orders());
  expect(
    await failureOf(() => expect(source).toHaveRowMatching({ id: 'o-9', status: expect.stringContaining('X') })),
  ).toMatchInlineSnapshot(`
    "expect(qa.db.table('orders')).toHaveRowMatching({ id: 'o-9', status: StringContaining('X') })

    No row matched.

    Looked in  table orders of qa.db (memory)
               for ‹time›, ‹n› times
    Saw        3 rows:
                 id      differs in all
                 status  differs in all
    Closest    { id: 'o-1', status: 'PENDING', total: 42 }
               no column is as expected
    History    no row near (3 rows), all the time
    Look with  select * from orders where {}"
  `);
});

test('a state that changes while the matcher waits', async () => {
  const store = arrayStore([]);
  setTimeout(() => store.rows.push({ id: 'o-1', status: 'NEW', total: 42 }), 250);
  setTimeout(() => store.rows.splice(0, 1, { id: 'o-1', status: 'PENDING', total: 42 }), 450);
  expect(
    await failureOf(() => expect(store.source).toHaveRowMatching({ id: 'o-1', status: 'PAID' }, { within: 700 })),
  ).toMatchInlineSnapshot(`
    "expect(qa.db.table('orders')).toHaveRowMatching({ id: 'o-1', status: 'PAID' })

    No row matched.

    Looked in  table orders of qa.db (memory)
               for ‹time›, ‹n› times
    Saw        1 row
    Closest    { id: 'o-1', status: 'PENDING', total: 42 }
               differs in 1 of 2 columns (- expected, + received)
               - status: 'PAID'
               + status: 'PENDING'
    History    no rows until ‹time›
               status 'NEW' from ‹time›
               status 'PENDING' since ‹time›
    Look with  select * from orders where {"id":"o-1"}"
  `);
});

test('a nested value', async () => {
  const { source } = arrayStore(
    [{ id: 'o-1', address: { city: 'Oslo', lines: ['a', { zip: 1 }], country: 'NO' }, total: null }],
    { columns: ['id', 'address', 'total'] },
  );
  expect(
    await failureOf(() =>
      expect(source).toHaveRowMatching({
        id: 'o-1',
        address: { city: 'Bergen', lines: ['a', { zip: 2 }], street: 's' },
      } as never),
    ),
  ).toMatchInlineSnapshot(`
    "expect(qa.db.table('orders')).toHaveRowMatching({ id: 'o-1', address: { city: 'Bergen', lines: [ 'a', { zip: 2 } ], street: 's' } })

    No row matched.

    Looked in  table orders of qa.db (memory)
               for ‹time›, ‹n› times
    Saw        1 row
    Closest    { id: 'o-1', address: { city: 'Oslo', lines: [ 'a', { zip: 1 } ], country: 'NO' }, total: null }
               differs in 1 of 2 columns (- expected, + received)
               - address.city: 'Bergen'
               + address.city: 'Oslo'
               - address.lines[1].zip: 2
               + address.lines[1].zip: 1
               - address.street: 's'
               + address.street: (no such key)
    History    address.city 'Oslo', address.lines[1].zip 1, address.street (no such key), all the time
    Look with  select * from orders where {"id":"o-1"}"
  `);
});

test('values that print alike, and long ones', async () => {
  const { source } = arrayStore([{ id: 'o-1', status: `${'x'.repeat(400)}a${'y'.repeat(100)}`, total: 42n }]);
  expect(
    await failureOf(() =>
      expect(source).toHaveRowMatching({ status: `${'x'.repeat(400)}b${'y'.repeat(100)}`, total: '42n' }),
    ),
  ).toMatchInlineSnapshot(`
    "expect(qa.db.table('orders')).toHaveRowMatching({ status: 'xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx…)

    No row matched.

    Looked in  table orders of qa.db (memory)
               for ‹time›, ‹n› times
    Saw        1 row
    Closest    { id: 'o-1', status: 'xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx…, total: 42n }
               differs in all 2 columns (- expected, + received)
               - status: …'xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxbyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyy'… (501 characters)
               + status: …'xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxayyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyy'… (501 characters)
               - total: '42n'
               + total: 42n
    History    status 'xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx…, total 42n, all the time
    Look with  select * from orders where {}"
  `);
});

test('.not', async () => {
  const { source } = arrayStore(orders());
  expect(await failureOf(() => expect(source).not.toHaveRowMatching({ status: 'PAID' }))).toMatchInlineSnapshot(`
    "expect(qa.db.table('orders')).not.toHaveRowMatching({ status: 'PAID' })

    2 rows still match.

    Looked in  table orders of qa.db (memory)
               for ‹time›, ‹n› times
    Saw        { id: 'o-2', status: 'PAID', total: 7 }
               { id: 'o-3', status: 'PAID', total: 8 }
    History    2 rows match, all the time
    Look with  select * from orders where {"status":"PAID"}"
  `);
});

test('a row that does not stay', async () => {
  const store = arrayStore(orders());
  setTimeout(() => store.rows.splice(0, 1), 100);
  expect(
    await failureOf(() => expect(store.source).toHaveRowMatching({ id: 'o-1' }, { stays: 500 })),
  ).toMatchInlineSnapshot(`
    "expect(qa.db.table('orders')).toHaveRowMatching({ id: 'o-1' })

    It came true at ‹time› but ended at ‹time›: it must hold for ‹time›.

    Looked in  table orders of qa.db (memory)
               for ‹time›, ‹n› times
    Saw        2 rows:
                 id  differs in all
    Closest    { id: 'o-2', status: 'PAID', total: 7 }
               no column is as expected
    Look with  select * from orders where {}"
  `);
});

test('a wait cut short by the test', async () => {
  const { source } = arrayStore(orders());
  expect(
    await failureOf(() => expect(source).toHaveRowMatching({ id: 'o-9' }, { within: 5000 }), { timeout: 400 }),
  ).toMatchInlineSnapshot(`
    "expect(qa.db.table('orders')).toHaveRowMatching({ id: 'o-9' })

    No row matched.

    Looked in  table orders of qa.db (memory)
               for ‹time›, ‹n› times
               cut short: asked for ‹time›, but the test's own timeout was near (give the test a longer timeout)
    Saw        3 rows:
                 id  differs in all
    Closest    { id: 'o-1', status: 'PENDING', total: 42 }
               no column is as expected
    History    no row near (3 rows), all the time
    Look with  select * from orders where {}"
  `);
});

test('another number of rows', async () => {
  const { source } = arrayStore(orders());
  expect(await failureOf(() => expect(source).toHaveRowCount(2))).toMatchInlineSnapshot(`
    "expect(qa.db.table('orders')).toHaveRowCount(2)

    Expected 2 rows, found 3 rows.

    Looked in  table orders of qa.db (memory)
               for ‹time›, ‹n› times
    Saw        { id: 'o-1', status: 'PENDING', total: 42 }
               { id: 'o-2', status: 'PAID', total: 7 }
               { id: 'o-3', status: 'PAID', total: 8 }
    History    more than 2 rows, all the time
    Look with  select * from orders where {}"
  `);
  expect(await failureOf(() => expect(source).not.toHaveRowCount(3))).toMatchInlineSnapshot(`
    "expect(qa.db.table('orders')).not.toHaveRowCount(3)

    Expected another number than 3.

    Looked in  table orders of qa.db (memory)
               for ‹time›, ‹n› times
    Saw        { id: 'o-1', status: 'PENDING', total: 42 }
               { id: 'o-2', status: 'PAID', total: 7 }
               { id: 'o-3', status: 'PAID', total: 8 }
    History    3 rows, all the time
    Look with  select * from orders where {}"
  `);
});

test('rows: one without a row, one not expected', async () => {
  const { source } = arrayStore(orders());
  expect(
    await failureOf(() =>
      expect(source).toHaveRowsMatching(
        [{ id: 'o-1', status: 'PAID' }, { status: 'PAID' }, { status: 'PAID', total: 8 }],
        { exactly: true },
      ),
    ),
  ).toMatchInlineSnapshot(`
    "expect(qa.db.table('orders')).toHaveRowsMatching([ { id: 'o-1', status: 'PAID' }, { status: 'PAID' }, { status: 'PAID', total: 8 } ], { exactly: true })

    1 expected row was not found, and 1 row was not expected.

    Looked in  table orders of qa.db (memory)
               for ‹time›, ‹n› times
    Saw        3 rows; 2 of 3 expected ones found
    Missing    [0] { id: 'o-1', status: 'PAID' }
               closest { id: 'o-1', status: 'PENDING', total: 42 }
               differs in 1 of 2 columns (- expected, + received)
               - status: 'PAID'
               + status: 'PENDING'
    Unexpected + { id: 'o-1', status: 'PENDING', total: 42 }
    History    2 of 3 rows found, 1 unexpected, all the time
    Look with  select * from orders where {}"
  `);
});

test('rows: more than expected', async () => {
  const { source } = arrayStore(orders());
  expect(
    await failureOf(() =>
      expect(source).toHaveRowsMatching([{ status: 'PAID' }, { status: 'PAID' }], { exactly: true }),
    ),
  ).toMatchInlineSnapshot(`
    "expect(qa.db.table('orders')).toHaveRowsMatching([ { status: 'PAID' }, { status: 'PAID' } ], { exactly: true })

    1 row was not expected.

    Looked in  table orders of qa.db (memory)
               for ‹time›, ‹n› times
    Saw        3 rows; 2 of 2 expected ones found
    Unexpected + { id: 'o-1', status: 'PENDING', total: 42 }
    History    2 of 2 rows found, 1 unexpected, all the time
    Look with  select * from orders where {}"
  `);
});

test('rows: each takes another row', async () => {
  const { source } = arrayStore(orders());
  expect(
    await failureOf(() => expect(source).toHaveRowsMatching([{ status: 'PENDING' }, { status: 'PENDING' }])),
  ).toMatchInlineSnapshot(`
    "expect(qa.db.table('orders')).toHaveRowsMatching([ { status: 'PENDING' }, { status: 'PENDING' } ])

    1 expected row was not found.

    Looked in  table orders of qa.db (memory)
               for ‹time›, ‹n› times
    Saw        3 rows; 1 of 2 expected ones found
    Missing    [1] { status: 'PENDING' }
               closest { id: 'o-2', status: 'PAID', total: 7 }
               no column is as expected
    History    1 of 2 rows found, all the time
    Look with  select * from orders where {}"
  `);
});

test('rows: out of order', async () => {
  const { source } = arrayStore(orders(), { ordered: true, label: "qa.db.rows('select … order by id')" });
  expect(
    await failureOf(() => expect(source).toHaveRowsMatching([{ id: 'o-2' }, { id: 'o-1' }], { inOrder: true })),
  ).toMatchInlineSnapshot(`
    "expect(qa.db.rows('select … order by id')).toHaveRowsMatching([ { id: 'o-2' }, { id: 'o-1' } ], { inOrder: true })

    All rows are there, but in another order.

    Looked in  table orders of qa.db (memory)
               for ‹time›, ‹n› times
    Saw        row 1 is expected[1]  { id: 'o-1' }
               row 2 is expected[0]  { id: 'o-2' }
    History    1 of 2 rows found, all the time
    Look with  select * from orders where {}"
  `);
});

test('rows: .not', async () => {
  const { source } = arrayStore(orders());
  expect(
    await failureOf(() => expect(source).not.toHaveRowsMatching([{ id: 'o-2' }, { id: 'o-1' }])),
  ).toMatchInlineSnapshot(`
    "expect(qa.db.table('orders')).not.toHaveRowsMatching([ { id: 'o-2' }, { id: 'o-1' } ])

    All partials still have a row.

    Looked in  table orders of qa.db (memory)
               for ‹time›, ‹n› times
    Saw        [0] { id: 'o-2', status: 'PAID', total: 7 }
               [1] { id: 'o-1', status: 'PENDING', total: 42 }
    History    2 of 2 rows found, all the time
    Look with  select * from orders where {}"
  `);
});

test('a place that does not exist, and a lost connection', async () => {
  const store = arrayStore(orders());
  store.broken = new QaError('QA_NOT_FOUND', {
    what: 'The table `ordres` does not exist. Did you mean `orders`?',
    mend: 'Correct the name, or let the migrations run first',
    connection: 'db',
  });
  expect(await failureOf(() => expect(store.source).not.toHaveRowMatching({ id: 'o-1' }))).toMatchInlineSnapshot(`
    "expect(qa.db.table('orders')).not.toHaveRowMatching({ id: 'o-1' })

    What to look in does not exist, and did not appear in time.

    Looked in  table orders of qa.db (memory)
               for ‹time›, ‹n› times
    History    not there, all the time
    Last error qa.db: The table \`ordres\` does not exist. Did you mean \`orders\`? Correct the name, or let the migrations run first.
    Look with  select * from orders where {"id":"o-1"}"
  `);
  store.broken = undefined;
  setTimeout(() => {
    store.broken = new QaError('QA_CONNECTION_LOST', {
      what: 'The server ended the connection',
      mend: 'Look why',
      connection: 'db',
    });
  }, 40);
  expect(await failureOf(() => expect(store.source).toHaveRowMatching({ id: 'o-9' }))).toMatchInlineSnapshot(`
    "expect(qa.db.table('orders')).toHaveRowMatching({ id: 'o-9' })

    The connection was lost and did not come back in time.

    Looked in  table orders of qa.db (memory)
               for ‹time›, ‹n› times
    History    no match until ‹time›
               no answer since ‹time›
    Last error qa.db: The server ended the connection. Look why.
    Look with  select * from orders where {"id":"o-9"}"
  `);
});

test('a source that hangs', async () => {
  const store = arrayStore(orders());
  store.hangs = true;
  expect(await failureOf(() => expect(store.source).toHaveRowMatching({ id: 'o-1' }))).toMatchInlineSnapshot(`
    "expect(qa.db.table('orders')).toHaveRowMatching({ id: 'o-1' })

    The source did not answer in time.

    Looked in  table orders of qa.db (memory)
               for ‹time›, once
    Look with  select * from orders where {"id":"o-1"}"
  `);
});
