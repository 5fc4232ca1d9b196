import { defineConfig, embedded, json, kafka, postgres, text } from '@qa/jest-preset';

interface Announced {
  id: string;
  status: 'PAID' | 'REFUSED';
  total: number;
}

const config = defineConfig({
  connections: {
    db: postgres({ server: embedded({ schema: './schema.sql' }) }),
    // Files that need no Kafka say so by their first line: `/** @qa db */`.
    kafka: kafka({
      server: embedded(),
      topics: {
        orders: { key: text(), value: json<Announced>(), partitions: 3 },
        shipped: { key: text(), value: json<{ orderId: string; at: string }>() },
      },
    }),
  },
  tags: ['smoke', 'slow'],
});
export default config;

declare module '@qa/jest-preset' {
  interface Register {
    config: typeof config;
  }
}
