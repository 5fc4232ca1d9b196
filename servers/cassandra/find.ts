/** What a throwaway Cassandra can be run from. */
import type { JavaServer } from '../java/find.ts';
import type { Coordinate } from '../java/maven.ts';
import type { Java } from '../java/runtime.ts';
import { Failed } from '../protocol.ts';

/** The one that we test with. */
export const NEWEST = '5.0.8';

/** Cassandra 5 runs on these, and its options of the JVM are for these. */
const JAVA = [11, 17] as const;

export const CASSANDRA: JavaServer = {
  name: 'Cassandra',
  key: 'cassandra',
  address: 'contactPoints',
  newest: NEWEST,
  javaOfNewest: 17,
  home: {
    jars: 'lib',
    isOwn: /^apache-cassandra-\d|^cassandra-all-\d/,
    own: 'apache-cassandra-….jar',
    beside: '`bin`, `conf`',
  },
  version: versionFor,
  coordinates,
};

export function coordinates(version: string): Coordinate[] {
  return [`org.apache.cassandra:cassandra-all:${version}`];
}

function versionFor({ major, build, path }: Java, version: string = NEWEST): string {
  if (!version.startsWith('5.')) {
    throw new Failed({
      code: 'QA_CONFIG',
      what: `A throwaway Cassandra of version ${version} cannot be started: its options are those of Cassandra 5`,
      mend: `Take \`version: '${NEWEST}'\`, or give the connection the \`contactPoints\` of your own`,
    });
  }
  if (JAVA.some((known) => known === major)) return version;
  throw new Failed({
    code: 'QA_SERVER_START',
    what: `Cassandra 5 runs on Java ${JAVA.join(' or ')}, and ${path} is: ${build.split('\n')[0]}`,
    mend: 'Install Java 17 (on Debian: `apt-get install openjdk-17-jre-headless`) and let JAVA_HOME name it',
  });
}
