import { defineConfig } from 'vitest/config';
import { BaseSequencer, type TestSpecification } from 'vitest/node';

/** Those that take minutes begin first, so that none is left alone at the end. */
const SLOW =
  /(docs\/examples|examples\/demo|first-day|runners\/kafka|kafka\/reliability|types\/types)\.?[\w.-]*test\.ts$/;

class SlowFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const sorted = await super.sort(files);
    const isSlow = ({ moduleId }: TestSpecification) => SLOW.test(moduleId);
    return [...sorted.filter(isSlow), ...sorted.filter((file) => !isSlow(file))];
  }
}

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
    sequence: { sequencer: SlowFirst },
    // Tickets that expire, servers that freeze: on a machine that stalls, time is not what a test took it for.
    retry: process.env.CI ? 1 : 0,
  },
});
