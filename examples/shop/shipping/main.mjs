/** `DATABASE_URL=postgres://… KAFKA_BROKERS=h:9092,… node shipping/main.mjs` */
import { startShipping } from './shipping.mjs';

const { DATABASE_URL, KAFKA_BROKERS } = process.env;
if (!DATABASE_URL || !KAFKA_BROKERS) {
  console.error('shipping: set DATABASE_URL to the address of its database, and KAFKA_BROKERS to host:port,host:port');
  process.exit(1);
}
const shipping = await startShipping({ databaseUrl: DATABASE_URL, brokers: KAFKA_BROKERS.split(',') });
console.log('shipping: waiting for orders');
for (const signal of ['SIGINT', 'SIGTERM']) {
  process.once(signal, async () => {
    await shipping.stop();
    // kafkajs leaves a socket open when its broker was restarted.
    process.exit();
  });
}
