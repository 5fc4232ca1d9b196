/** Finds what a broker can be run from: a local Kafka, jars of an earlier run, or Maven. */
import { join, resolve } from 'node:path';
import type { EmbeddedOptions } from '../../bindings/core/server.ts';
import { cacheFolder } from '../java/cache.ts';
import { type Coordinate, jarsOf } from '../java/maven.ts';
import { type Found, findJava, findMaven } from '../java/programs.ts';
import { java } from '../java/runtime.ts';
import { Failed } from '../protocol.ts';
import { coordinates, NEWEST, OLDER } from './jars.ts';

export interface Broker {
  /** Absolute path of `java`. */
  java: string;
  /** Folder of the jars. */
  jars: string;
  cache: string;
  /** What must be fetched first. */
  missing?: { version: string; maven: string; coordinates: Coordinate[] };
}

const OLDEST_JAVA = 11;
/** Kafka 4 needs it. */
const JAVA_OF_NEWEST = 17;

/** Throws Failed QA_SERVER_START or QA_CONFIG. */
export async function findBroker({ home, version }: EmbeddedOptions, baseDir: string): Promise<Broker> {
  const cache = cacheFolder();
  const foundJava = findJava();
  if (version !== undefined && !/^\d+\.\d+\.\d+[\w.-]*$/.test(version)) {
    throw new Failed({
      code: 'QA_CONFIG',
      what: `\`version: '${version}'\` is no version of Kafka`,
      mend: `Give all three numbers: '${NEWEST}'`,
    });
  }
  if (home !== undefined) {
    if (version !== undefined) {
      throw new Failed({
        code: 'QA_CONFIG',
        what: '`embedded()` has both `home` and `version`',
        mend: 'Keep `home`, whose version is what it is, or `version`, which Maven fetches',
      });
    }
    const jars = jarsOfHome(home, baseDir);
    if (foundJava.path === undefined) throw nothing({ java: foundJava, home: jars });
    return { java: foundJava.path, jars, cache };
  }
  if (foundJava.path === undefined) {
    throw nothing({ java: foundJava, maven: findMaven(), jars: keptJars(cache, version ?? NEWEST) });
  }
  const wanted = await versionFor(foundJava.path, version);
  const jars = keptJars(cache, wanted);
  if (jarsOf(jars).length > 0) return { java: foundJava.path, jars, cache };
  const maven = findMaven();
  if (maven.path === undefined) throw nothing({ java: foundJava, maven, jars });
  const missing = { version: wanted, maven: maven.path, coordinates: coordinates(wanted) };
  return { java: foundJava.path, jars, cache, missing };
}

function keptJars(cache: string, version: string): string {
  return join(cache, `kafka-${version}`);
}

/** The newest that this Java runs, when the user names none. */
async function versionFor(path: string, version: string | undefined): Promise<string> {
  const { major, build } = await java(path);
  if (major < OLDEST_JAVA) {
    throw new Failed({
      code: 'QA_SERVER_START',
      what: `A throwaway Kafka needs Java ${OLDEST_JAVA}, and ${path} is: ${build.split('\n')[0]}`,
      mend: `Install Java ${JAVA_OF_NEWEST} or newer, or let JAVA_HOME name it`,
    });
  }
  if (major >= JAVA_OF_NEWEST) return version ?? NEWEST;
  if (version === undefined || version.startsWith('3.')) return version ?? OLDER;
  throw new Failed({
    code: 'QA_SERVER_START',
    what: `Kafka ${version} needs Java ${JAVA_OF_NEWEST}, and ${path} is: ${build.split('\n')[0]}`,
    mend: `Let JAVA_HOME name a newer Java, or take \`embedded({ version: '${OLDER}' })\``,
  });
}

function jarsOfHome(home: string, baseDir: string): string {
  const jars = join(resolve(baseDir, home), 'libs');
  if (jarsOf(jars).some((name) => /^kafka_2\.\d+-/.test(name))) return jars;
  throw new Failed({
    code: 'QA_CONFIG',
    what: `\`home: '${home}'\` is no folder of Kafka: there is no kafka_2.…jar in ${jars}`,
    mend: 'Name the folder that the archive of Kafka unpacks to: the one with `bin`, `config` and `libs`',
  });
}

/** One error for all that was looked for. */
function nothing(looked: { java: Found; maven?: Found; home?: string; jars?: string }): Failed {
  const state = (found: Found) => `${found.looked}: ${found.path ?? 'not found'}`;
  const lines = [
    state(looked.java),
    ...(looked.maven ? [state(looked.maven)] : []),
    looked.home ? `jars of \`home\`: ${looked.home}` : '`home` (a Kafka of your own): not given',
    ...(looked.jars ? [`jars of an earlier run in ${looked.jars}: ${jarsOf(looked.jars).length || 'none'}`] : []),
  ];
  const install = looked.java.path
    ? 'Install Maven (on Debian: `apt-get install maven`), which fetches the broker once, or unpack Kafka and name it: `embedded({ home })`'
    : 'Install Java 17 or newer and Maven (on Debian: `apt-get install openjdk-17-jre-headless maven`)';
  return new Failed({
    code: 'QA_SERVER_START',
    what: `Nothing here can run a throwaway Kafka. Looked for:\n${lines.map((line) => `    ${line}\n`).join('')}`,
    mend: `${install}; or give the connection the \`brokers\` of a Kafka of your own`,
  });
}
