/** `DATABASE_URL=postgres://… PORT=8080 node service/main.mjs` */
import { startShop } from './shop.mjs';

const { DATABASE_URL, PORT } = process.env;
if (!DATABASE_URL) {
  console.error('shop: set DATABASE_URL to the address of its database, as in postgres://user@127.0.0.1/shop');
  process.exit(1);
}
const shop = await startShop({ databaseUrl: DATABASE_URL, port: Number(PORT ?? 8080) });
console.log(`shop: listening on ${shop.url}`);
for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => shop.stop());
