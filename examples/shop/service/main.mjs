/** `DATABASE_URL=postgres://… KAFKA_BROKERS=h:9092,… CACHE_URL=redis://… PORT=8080 node service/main.mjs` */
import { startShop } from './shop.mjs';

const { DATABASE_URL, KAFKA_BROKERS, CACHE_URL, PORT } = process.env;
if (!DATABASE_URL) {
  console.error('shop: set DATABASE_URL to the address of its database, as in postgres://user@127.0.0.1/shop');
  process.exit(1);
}
const shop = await startShop({
  databaseUrl: DATABASE_URL,
  ...(KAFKA_BROKERS && { brokers: KAFKA_BROKERS.split(',') }),
  ...(CACHE_URL && { cacheUrl: CACHE_URL }),
  port: Number(PORT ?? 8080),
});
if (!KAFKA_BROKERS) console.error('shop: nothing is announced, since KAFKA_BROKERS is not set');
console.log(`shop: listening on ${shop.url}`);
for (const signal of ['SIGINT', 'SIGTERM']) {
  process.once(signal, async () => {
    await shop.stop();
    // kafkajs leaves a socket open when its broker was restarted.
    if (KAFKA_BROKERS) process.exit();
  });
}
