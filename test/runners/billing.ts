/**
 * A system under test for Kafka: a service, `billing`, that reads `orders` as a consumer group and announces on
 * `payments`, in Avro, what it bills, before it commits what it has read.
 */
import avsc from 'avsc';
import kafkajs from 'kafkajs';

export const PAYMENT = {
  type: 'record',
  name: 'Payment',
  namespace: 'shop',
  fields: [
    { name: 'orderId', type: 'string' },
    { name: 'amount', type: 'double' },
    { name: 'at', type: { type: 'long', logicalType: 'timestamp-millis' } },
  ],
} as const;

export async function startBilling(brokers: string[]): Promise<AsyncDisposable> {
  const payment = avsc.Type.forSchema(PAYMENT as unknown as avsc.Schema);
  const kafka = new kafkajs.Kafka({ brokers, clientId: 'billing', logCreator: () => () => undefined });
  const consumer = kafka.consumer({ groupId: 'billing', maxWaitTimeInMs: 100 });
  const producer = kafka.producer({ createPartitioner: kafkajs.Partitioners.DefaultPartitioner });
  await Promise.all([consumer.connect(), producer.connect()]);
  await consumer.subscribe({ topic: 'orders', fromBeginning: true });
  await consumer.run({
    async eachMessage({ message: { key, value } }) {
      const order = JSON.parse(String(value)) as { id: string; total: number };
      const bytes = payment.toBuffer({ orderId: order.id, amount: order.total, at: Date.now() });
      await producer.send({ topic: 'payments', messages: [{ key, value: bytes }] });
    },
  });
  return {
    async [Symbol.asyncDispose]() {
      await consumer.disconnect();
      await producer.disconnect();
    },
  };
}
