/** When the driver tries a host again that was down: soon, since a test does not wait for minutes. */
import type cassandra from 'cassandra-driver';
import type { Driver } from './client.ts';

type Policy = cassandra.policies.reconnection.ReconnectionPolicy;

/** ms; also the longest that a timer of a client that was closed meanwhile keeps the process alive. */
const LONGEST = 1000;
const FIRST = 100;

/** The user's policy where there is one, with no delay over a second. */
export function reconnection(driver: Driver, given: Policy | undefined): Policy {
  const policies = driver.policies.reconnection;
  const policy = given ?? new policies.ExponentialReconnectionPolicy(FIRST, LONGEST, true);
  // The driver looks for the methods only; its own options print the class.
  return Object.assign(Object.create(policy) as Policy, { newSchedule: () => capped(policy.newSchedule()) });
}

function* capped(schedule: Iterator<number>): Iterator<number> {
  for (let next = schedule.next(); ; next = schedule.next()) yield Math.min(next.done ? LONGEST : next.value, LONGEST);
}
