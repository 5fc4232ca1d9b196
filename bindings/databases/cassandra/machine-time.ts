/** The machine's time, also where a test has set another one: what is written carries it, and a later write wins. */
import type cassandra from 'cassandra-driver';
import type { Driver } from './client.ts';

/** ms since 1970. */
export const machineTime: () => number = Date.now.bind(Date);

/** Of a clock that runs behind, ms: the driver's own defaults. */
const WARNING = 1000;

type Generator = cassandra.policies.timestampGeneration.TimestampGenerator;

/** The driver's own generator of times, on the machine's time. */
export function timestamps(driver: Driver): Generator {
  const generator = new driver.policies.timestampGeneration.MonotonicTimestampGenerator(WARNING, WARNING);
  return Object.assign(generator, { getDate: machineTime });
}
