/**
 * The jars of the brokers that our tests run, in `.cache/servers/kafka-<version>`: fetched by Maven once. As a program
 * (`node test/support/kafka-jars.ts`) it fetches what is missing.
 */
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { copyJars, jarsOf, pom } from '../../servers/java/maven.ts';
import { findJava, findMaven } from '../../servers/java/programs.ts';
import { coordinates, NEWEST, OLDER } from '../../servers/kafka/jars.ts';

export const KAFKA_VERSIONS = [OLDER, NEWEST] as const;

/** Set as `QA_CACHE` for what tests start. */
export const CACHE = fileURLToPath(new URL('../../.cache/servers', import.meta.url));

export function kafkaJars(version: string): string {
  return join(CACHE, `kafka-${version}`);
}

/** Whether brokers can run here: suites that need one are skipped otherwise, visibly. */
export function hasKafka(): boolean {
  return findJava().path !== undefined && KAFKA_VERSIONS.every((version) => jarsOf(kafkaJars(version)).length > 0);
}

function fetchJars(version: string): void {
  if (jarsOf(kafkaJars(version)).length > 0) return;
  mkdirSync(CACHE, { recursive: true });
  const folder = mkdtempSync(join(CACHE, 'fetch-'));
  try {
    writeFileSync(join(folder, 'pom.xml'), pom(coordinates(version)));
    execFileSync(findMaven().path ?? 'mvn', copyJars(folder), { stdio: ['ignore', 'inherit', 'inherit'] });
    renameSync(join(folder, 'lib'), kafkaJars(version));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) KAFKA_VERSIONS.forEach(fetchJars);
