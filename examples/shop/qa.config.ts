import { defineConfig, embedded, json, kafka, postgres, redis, text } from '@qa/jest-preset';

interface Announced {
  id: string;
  status: 'PAID' | 'REFUSED';
  total: number;
}

const shop = { command: 'node service/main.mjs', ready: 'listening on' } as const;

const config = defineConfig({
  connections: {
    db: postgres({ server: embedded({ schema: './schema.sql' }) }),
    // A file opens all connections and starts all services, unless its first comment names what it needs: `@qa db shop`.
    kafka: kafka({
      server: embedded(),
      topics: {
        orders: { key: text(), value: json<Announced>(), partitions: 3 },
        shipped: { key: text(), value: json<{ orderId: string; at: string }>() },
      },
    }),
    cache: redis({ server: embedded(), keyPrefix: 'shop:' }),
  },
  services: {
    // By itself: what it announces waits in its outbox.
    shop: {
      ...shop,
      env: (qa) => ({ PORT: String(qa.port()), DATABASE_URL: qa.db.url }),
    },
    shopWithKafka: {
      ...shop,
      env: (qa) => ({
        PORT: String(qa.port()),
        DATABASE_URL: qa.db.url,
        KAFKA_BROKERS: qa.kafka.brokers.join(','),
      }),
    },
    shopWithCache: {
      ...shop,
      env: (qa) => ({ PORT: String(qa.port()), DATABASE_URL: qa.db.url, CACHE_URL: qa.cache.url }),
    },
    shipping: {
      command: 'node shipping/main.mjs',
      env: (qa) => ({ DATABASE_URL: qa.db.url, KAFKA_BROKERS: qa.kafka.brokers.join(',') }),
      ready: 'waiting for orders',
    },
  },
  tags: ['smoke', 'slow'],
});
export default config;

declare module '@qa/jest-preset' {
  interface Register {
    config: typeof config;
  }
}
