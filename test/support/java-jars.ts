/**
 * The jars of the servers in Java that our tests run, in `.cache/servers/<server>-<version>`: fetched by Maven once. As a
 * program (`node test/support/java-jars.ts cassandra`) it fetches what is missing.
 */
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { CASSANDRA, NEWEST as CASSANDRA_VERSION } from '../../servers/cassandra/find.ts';
import { type Coordinate, copyJars, jarsOf, pom } from '../../servers/java/maven.ts';
import { findJava, findMaven } from '../../servers/java/programs.ts';

/** Set as `QA_CACHE` for what tests start. */
export const CACHE = fileURLToPath(new URL('../../.cache/servers', import.meta.url));

export { CASSANDRA_VERSION };

export function cassandraJars(): string {
  return join(CACHE, `cassandra-${CASSANDRA_VERSION}`);
}

/** Whether a Cassandra can run here: suites that need one are skipped otherwise, visibly. */
export function hasCassandra(): boolean {
  return findJava().path !== undefined && jarsOf(cassandraJars()).length > 0;
}

export function fetchJars(target: string, coordinates: readonly Coordinate[]): void {
  if (jarsOf(target).length > 0) return;
  mkdirSync(CACHE, { recursive: true });
  const folder = mkdtempSync(join(CACHE, 'fetch-'));
  try {
    writeFileSync(join(folder, 'pom.xml'), pom(coordinates));
    execFileSync(findMaven().path ?? 'mvn', copyJars(folder), { stdio: ['ignore', 'inherit', 'inherit'] });
    renameSync(join(folder, 'lib'), target);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url) && process.argv[2] === 'cassandra')
  fetchJars(cassandraJars(), CASSANDRA.coordinates(CASSANDRA_VERSION));
