/** Kafka's part of the suite: left out, visibly, where it cannot run. */
import { spawnSync } from 'node:child_process';

/** @param {string} program */
const has = (program) => spawnSync(program, ['-version'], { stdio: 'ignore' }).status === 0;

/** The broker is a throwaway one, which needs Java, and Maven to fetch it once. `QA_KAFKA_URL` names another instead. */
export const kafkaIsHere = Boolean(process.env.QA_KAFKA_URL) || (has('java') && has('mvn'));
export const LEFT_OUT = 'left out: needs `java` and `mvn`, or a Kafka at QA_KAFKA_URL';

/**
 * A `describe`, skipped where there is no Kafka. A file of which all is skipped opens no connection.
 *
 * @param {string} title
 * @param {() => void} run
 */
export function describeWithKafka(title, run) {
  if (kafkaIsHere) describe(title, run);
  else describe.skip(`${title} (${LEFT_OUT})`, run);
}
