/** Finds what a server in Java can be run from: a local installation, jars of an earlier run, or Maven. */
import { join, resolve } from 'node:path';
import type { EmbeddedOptions } from '../../bindings/core/server.ts';
import { Failed } from '../protocol.ts';
import { cacheFolder } from './cache.ts';
import { type Coordinate, jarsOf } from './maven.ts';
import { type Found, findJava, findMaven } from './programs.ts';
import { type Java, java } from './runtime.ts';

export interface JavaServer {
  /** In texts: `Kafka`. */
  name: string;
  /** Begins the names of folders: `kafka`. */
  key: string;
  /** The option that gives a connection a server of the user's own: `brokers`. */
  address: string;
  newest: string;
  /** What Java the newest one needs. */
  javaOfNewest: number;
  /** Of an unpacked installation. */
  home: {
    /** Folder of its jars. */
    jars: string;
    /** A jar that is always among them, and its name in texts. */
    isOwn: RegExp;
    own: string;
    /** What else lies beside that folder. */
    beside: string;
  };
  /** The version to run: `wanted`, or what suits the Java. Throws Failed where that Java runs none. */
  version(runtime: Java, wanted: string | undefined): string;
  coordinates(version: string): Coordinate[];
}

export interface Programs {
  /** Absolute path of `java`. */
  java: string;
  /** Folder of the jars. */
  jars: string;
  cache: string;
  /** What must be fetched first. */
  missing?: { version: string; maven: string; coordinates: Coordinate[] };
}

/** Throws Failed QA_SERVER_START or QA_CONFIG. */
export async function findJavaServer(
  server: JavaServer,
  { home, version }: EmbeddedOptions,
  baseDir: string,
): Promise<Programs> {
  const cache = cacheFolder();
  const foundJava = findJava();
  if (version !== undefined && !/^\d+\.\d+\.\d+[\w.-]*$/.test(version)) {
    throw new Failed({
      code: 'QA_CONFIG',
      what: `\`version: '${version}'\` is no version of ${server.name}`,
      mend: `Give all three numbers: '${server.newest}'`,
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
    const jars = jarsOfHome(server, home, baseDir);
    if (foundJava.path === undefined) throw nothing(server, { java: foundJava, home: jars });
    return { java: foundJava.path, jars, cache };
  }
  const kept = (wanted: string) => join(cache, `${server.key}-${wanted}`);
  if (foundJava.path === undefined) {
    throw nothing(server, { java: foundJava, maven: findMaven(), jars: kept(version ?? server.newest) });
  }
  const wanted = server.version(await java(foundJava.path), version);
  const jars = kept(wanted);
  if (jarsOf(jars).length > 0) return { java: foundJava.path, jars, cache };
  const maven = findMaven();
  if (maven.path === undefined) throw nothing(server, { java: foundJava, maven, jars });
  const missing = { version: wanted, maven: maven.path, coordinates: server.coordinates(wanted) };
  return { java: foundJava.path, jars, cache, missing };
}

function jarsOfHome({ name, home: { jars, isOwn, own, beside } }: JavaServer, home: string, baseDir: string): string {
  const folder = join(resolve(baseDir, home), jars);
  if (jarsOf(folder).some((jar) => isOwn.test(jar))) return folder;
  throw new Failed({
    code: 'QA_CONFIG',
    what: `\`home: '${home}'\` is no folder of ${name}: there is no ${own} in ${folder}`,
    mend: `Name the folder that the archive of ${name} unpacks to: the one with ${beside} and \`${jars}\``,
  });
}

/** One error for all that was looked for. */
function nothing(
  { name, address, javaOfNewest }: JavaServer,
  looked: { java: Found; maven?: Found; home?: string; jars?: string },
): Failed {
  const state = (found: Found) => `${found.looked}: ${found.path ?? 'not found'}`;
  const lines = [
    state(looked.java),
    ...(looked.maven ? [state(looked.maven)] : []),
    looked.home ? `jars of \`home\`: ${looked.home}` : `\`home\` (a ${name} of your own): not given`,
    ...(looked.jars ? [`jars of an earlier run in ${looked.jars}: ${jarsOf(looked.jars).length || 'none'}`] : []),
  ];
  const install = looked.java.path
    ? `Install Maven (on Debian: \`apt-get install maven\`), which fetches it once, or unpack ${name} and name it: \`embedded({ home })\``
    : `Install Java ${javaOfNewest} or newer and Maven (on Debian: \`apt-get install openjdk-${javaOfNewest}-jre-headless maven\`)`;
  return new Failed({
    code: 'QA_SERVER_START',
    what: `Nothing here can run a throwaway ${name}. Looked for:\n${lines.map((line) => `    ${line}\n`).join('')}`,
    mend: `${install}; or give the connection the \`${address}\` of a ${name} of your own`,
  });
}
