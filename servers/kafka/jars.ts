/** What a broker of some version is made of. */
import type { Coordinate } from '../java/maven.ts';

/** The newest one that we test with; it needs Java 17. */
export const NEWEST = '4.3.1';
/** For older Java. */
export const OLDER = '3.9.1';

/** The broker, and what it needs to log. */
export function coordinates(version: string): Coordinate[] {
  const logging: Coordinate[] = version.startsWith('3.')
    ? ['org.slf4j:slf4j-reload4j:1.7.36']
    : ['org.apache.logging.log4j:log4j-slf4j-impl:2.25.3', 'org.apache.logging.log4j:log4j-core:2.25.3'];
  return [`org.apache.kafka:kafka_2.13:${version}`, ...logging];
}
