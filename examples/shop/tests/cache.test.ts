/**
 * What the shop keeps in its cache of an order.
 *
 * @qa db cache shopWithCache
 */
import { describeWithCache } from '../with-cache.mjs';

describeWithCache('caching', () => {
  const order = (id: string, total: number) =>
    fetch(`${qa.service('shopWithCache').url}/orders`, { method: 'POST', body: JSON.stringify({ id, total }) });

  test('an order is cached when it is paid', async () => {
    await order('o-1', 42);
    // A hash, so its fields are text. A job writes it: the matcher is woken by the server when it does.
    await expect(qa.cache.key('order:o-1')).toHaveEntry(
      { total: '42', status: 'PAID' },
      { ttl: { atMost: 3_600_000 } },
    );
    await expect(qa.db.table('audit')).toHaveRowMatching({ order_id: 'o-1' });
  });

  test('one that is refused is cached, too, and of the test before nothing is left', async () => {
    await order('o-2', 20_000);
    await expect(qa.cache.key('order:o-2')).toHaveEntry({ status: 'REFUSED' });
    await expect(qa.cache.keys('*')).toHaveRowCount(1);
    await expect(qa.db.table('audit')).toHaveRowMatching({ order_id: 'o-2' });
  });
});
