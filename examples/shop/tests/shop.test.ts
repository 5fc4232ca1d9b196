/**
 * One suite, both runners: `npx jest` and `npx vitest run`.
 *
 * @qa db shop
 */

interface Order {
  id: string;
  status: 'PENDING' | 'PAID' | 'REFUSED' | 'CANCELLED';
  /** numeric: text, so that no cent is lost */
  total: string;
  created_at: Date;
}

// Sources only say where to look. They read when a matcher does, so they may be made here.
const orders = qa.db.table<Order>('orders');
const audit = qa.db.table('audit');

// The service ran its migrations at its start: they stay, whatever the tests do.
const shop = qa.service('shop');

describe('paying', { tags: ['smoke'] }, () => {
  test('an order is paid, and the payment is audited', async () => {
    const answer = await post('/orders', { id: 'o-1', total: 42 });
    expect.soft(answer.status).toBe(201);
    // Each of these waits until it is so: the payment and the audit row are written later, by a job.
    await expect(orders).toHaveRowMatching({ id: 'o-1', status: 'PAID', total: 42 });
    await expect(audit).toHaveRowMatching({ order_id: 'o-1', event: 'order paid', details: { by: 'shop' } });
    await expect(qa.db.rows('select count(*)::int as n from audit')).toHaveRowMatching({ n: 1 });
  });

  test('an order above the limit is refused', async () => {
    await post('/orders', { id: 'o-1', total: 10_000.01 });
    await expect(orders).toHaveRowMatching({ id: 'o-1', status: 'REFUSED' });
    // Also this test waits for all that it caused: a row written after its end would be found by the next one.
    await expect(audit).toHaveRowMatching({ order_id: 'o-1', event: 'order refused' });
    await expect(audit).not.toHaveRowMatching({ event: 'order paid' });
  });

  test('each test starts from what the service made: no orders', async () => {
    await expect(orders).toHaveRowCount(0);
    await expect(audit).toHaveRowCount(0);
  });
});

describe('with orders from before', () => {
  beforeEach(async () => {
    await qa.db.seed('orders', [
      { id: 'old-1', total: 10 },
      { id: 'old-2', total: 20, status: 'PAID' },
    ]);
  });

  test('a pending order can be cancelled', async () => {
    expect((await post('/orders/old-1/cancel')).status).toBe(200);
    await expect(orders).toHaveRowsMatching(
      [
        { id: 'old-1', status: 'CANCELLED' },
        { id: 'old-2', status: 'PAID' },
      ],
      { exactly: true },
    );
  });

  test('a paid order cannot', async () => {
    expect((await post('/orders/old-2/cancel')).status).toBe(409);
    await expect(orders).toHaveRowMatching({ id: 'old-2', status: 'PAID' }, { stays: 100 });
  });

  test('the rows that seed() wrote come back with their defaults', async () => {
    const [order] = await qa.db.seed('orders', [{ id: 'new-1', total: 1 }]);
    expect(order).toMatchObject({ id: 'new-1', status: 'PENDING', created_at: expect.any(Date) });
  });
});

test('waitFor gives the row, to go on with', { tags: ['slow'] }, async () => {
  await post('/orders', { id: 'o-1', total: 42 });
  const paid = await orders.waitFor({ id: 'o-1', status: 'PAID' });
  expect(paid.created_at.getTime()).toBeLessThanOrEqual(Date.now() + 1000);
  expect(await (await fetch(`${shop.url}/orders/${paid.id}`)).json()).toEqual({ id: 'o-1', status: 'PAID', total: 42 });
});

test.each([
  ['no total', { id: 'o-1' }],
  ['a negative total', { id: 'o-1', total: -1 }],
  ['a wrong id', { id: 'o 1', total: 1 }],
])('an order with %s is refused and not stored', async (_, order) => {
  expect((await post('/orders', order)).status).toBe(400);
  await expect(orders).toHaveRowCount(0);
});

describe('several customers at once', () => {
  // Nothing is reset between concurrent tests, so each looks only for what is its own.
  for (const total of [1, 2, 3]) {
    test.concurrent(`an order of ${total} is paid`, async () => {
      const id = qa.unique('order');
      await post('/orders', { id, total });
      await expect(orders).toHaveRowMatching({ id, status: 'PAID', total });
    });
  }
});

const post = (path: string, body?: unknown) =>
  fetch(`${shop.url}${path}`, { method: 'POST', body: body === undefined ? null : JSON.stringify(body) });
