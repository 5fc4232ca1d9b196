/**
 * Fails on purpose: what a message that does not come looks like.
 *
 * @qa db kafka shopWithKafka
 */

import { describeWithKafka } from '../with-kafka.mjs';

describeWithKafka('announcing', () => {
  test('an order of 20,000 is announced as paid', async () => {
    const body = JSON.stringify({ id: 'o-2', total: 20_000 });
    await fetch(`${qa.service('shopWithKafka').url}/orders`, { method: 'POST', body });
    const orders = qa.kafka.topic('orders');
    await orders.waitFor({ key: 'o-2' });
    await expect(orders).toReceiveKafkaMessage(
      { key: 'o-2', value: { status: 'PAID', total: 20_000 } },
      { within: 500 },
    );
  });
});
