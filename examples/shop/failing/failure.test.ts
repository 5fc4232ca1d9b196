/**
 * Fails on purpose: the demo shows what a failure looks like. All three checks are reported, not only the first.
 *
 * @qa db shop
 */
test('an order of 20,000 is paid', async () => {
  await qa.db.seed('orders', [{ id: 'o-1', total: 15, status: 'PAID' }]);
  const answer = await fetch(`${qa.service('shop').url}/orders`, {
    method: 'POST',
    body: JSON.stringify({ id: 'o-2', total: 20_000 }),
  });
  qa.state.set('answer', await answer.json());
  await qa.db.table('audit').waitFor({ order_id: 'o-2' }); // the shop's job is done

  await expect(qa.db.table('orders')).toHaveRowMatching({ id: 'o-2', status: 'PAID', total: 20_000 }, { within: 1000 });
  await expect(qa.db.table('audit', { event: 'order paid' })).toHaveRowCount(1, { within: 1000 });
  expect.soft(answer.status).toBe(200);
});
