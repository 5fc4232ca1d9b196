import { defineConfig, embedded, json, kafka, postgres, redis, text } from '@qa/jest-preset';

interface Announced {
  id: string;
  status: 'PAID' | 'REFUSED';
  total: number;
}

const config = defineConfig({
  connections: {
    db: postgres({ server: embedded({ schema: './schema.sql' }) }),
    // A file opens all connections, unless its first comment names those that it needs: `/** @qa db */`.
    kafka: kafka({
      server: embedded(),
      topics: {
        orders: { key: text(), value: json<Announced>(), partitions: 3 },
        shipped: { key: text(), value: json<{ orderId: string; at: string }>() },
      },
    }),
    cache: redis({ server: embedded(), keyPrefix: 'shop:' }),
  },
  tags: ['smoke', 'slow'],
});
export default config;

declare module '@qa/jest-preset' {
  interface Register {
    config: typeof config;
  }
}
