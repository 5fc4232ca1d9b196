/**
 * The jars of the brokers that our tests run, in `.cache/servers/kafka-<version>`: fetched by Maven once. As a program
 * (`node test/support/kafka-jars.ts`) it fetches what is missing.
 */
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { jarsOf } from '../../servers/java/maven.ts';
import { findJava } from '../../servers/java/programs.ts';
import { coordinates, NEWEST, OLDER } from '../../servers/kafka/jars.ts';
import { CACHE, fetchJars } from './java-jars.ts';

export { CACHE } from './java-jars.ts';

export const KAFKA_VERSIONS = [OLDER, NEWEST] as const;

export function kafkaJars(version: string): string {
  return join(CACHE, `kafka-${version}`);
}

/** Whether brokers can run here: suites that need one are skipped otherwise, visibly. */
export function hasKafka(): boolean {
  return findJava().path !== undefined && KAFKA_VERSIONS.every((version) => jarsOf(kafkaJars(version)).length > 0);
}

if (process.argv[1] === fileURLToPath(import.meta.url))
  for (const version of KAFKA_VERSIONS) fetchJars(kafkaJars(version), coordinates(version));
