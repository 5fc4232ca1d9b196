import { defineConfig } from 'vitest/config';

/** The project's own tests. Suites that start runners, servers or builds are slow by nature; none is timed. */
export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    exclude: ['test/consumers/**', 'node_modules/**'],
    globalSetup: ['test/support/global-setup.ts'],
    testTimeout: 60_000,
    hookTimeout: 120_000,
    // More than cores: the suites wait for servers and runners most of their time.
    maxWorkers: 3,
    // Tickets that expire, servers that freeze: on a machine that stalls, time is not what a test took it for.
    retry: process.env.CI ? 1 : 0,
  },
});
