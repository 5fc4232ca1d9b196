/**
 * What the shop announces on Kafka, and what shipping makes of it: two services, one database, one broker.
 *
 * @qa db kafka shopWithKafka shipping
 */

import { describeWithKafka } from '../with-kafka.mjs';

const orders = qa.kafka.topic('orders');
const shipped = qa.kafka.topic('shipped');
const shipments = qa.db.table('shipments');

describeWithKafka('announcing and shipping', () => {
  // A broker may be shared by several workers, so keys are of the test's own.
  const order = async (total: number) => {
    const id = qa.unique('order');
    await fetch(`${qa.service('shopWithKafka').url}/orders`, { method: 'POST', body: JSON.stringify({ id, total }) });
    return id;
  };

  test('a paid order is announced, shipped, and its shipment announced', async () => {
    const id = await order(42);
    await expect(orders).toReceiveKafkaMessage({ key: id, value: { status: 'PAID', total: 42 } });
    await expect(shipped).toReceiveKafkaMessage({ key: id, value: { orderId: id, at: expect.any(String) } });
    await expect(shipments).toHaveRowMatching({ order_id: id });
  });

  test('a refused order is announced, and not shipped', async () => {
    const id = await order(20_000);
    await expect(orders).toReceiveKafkaMessage({ key: id, value: { status: 'REFUSED' } });

    // Proven without a fixed wait: shipping has read past that announcement, and has announced nothing.
    await expect(shipped).not.toReceiveKafkaMessage({ key: id }, { afterGroup: 'shipping' });
    await expect(shipments).not.toHaveRowMatching({ order_id: id });
  });

  test('an order that is announced twice is one shipment', async () => {
    const id = qa.unique('order');
    const announcement = { key: id, value: { id, status: 'PAID' as const, total: 1 } };
    await orders.sendAll([announcement, announcement]);
    await expect(shipped).toReceiveKafkaMessages([{ key: id }, { key: id }]);
    await expect(shipments).toHaveRowsMatching([{ order_id: id }], { exactly: true });
  });

  test('waitFor gives the message, to go on with', async () => {
    const id = await order(1);
    const { value, partition, offset } = await shipped.waitFor({ key: id });
    expect(Date.parse(value!.at)).toBeLessThanOrEqual(Date.now() + 1000);
    expect(await shipped.messages()).toContainEqual(expect.objectContaining({ partition, offset }));
  });
});
