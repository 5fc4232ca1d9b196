import { defineConfig, embedded, postgres } from '@qa/jest-preset';

const config = defineConfig({
  connections: {
    db: postgres({ server: embedded({ schema: './schema.sql' }) }),
  },
  tags: ['smoke', 'slow'],
});
export default config;

declare module '@qa/jest-preset' {
  interface Register {
    config: typeof config;
  }
}
