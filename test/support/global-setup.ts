import { installPackage } from './consumer.ts';

/** Once a run of our tests, before any worker: the package as consumers get it. */
export default function setup(): void {
  if (process.env.QA_TEST_INSTALL === '0') return; // for suites that need no consumer, while working on them
  installPackage();
}
