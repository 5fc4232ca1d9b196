/** What a broker can be run from, and which version a Java runs. */
import type { JavaServer } from '../java/find.ts';
import type { Java } from '../java/runtime.ts';
import { Failed } from '../protocol.ts';
import { coordinates, NEWEST, OLDER } from './jars.ts';

const OLDEST_JAVA = 11;
/** Kafka 4 needs it. */
const JAVA_OF_NEWEST = 17;

export const KAFKA: JavaServer = {
  name: 'Kafka',
  key: 'kafka',
  address: 'brokers',
  newest: NEWEST,
  javaOfNewest: JAVA_OF_NEWEST,
  home: { jars: 'libs', isOwn: /^kafka_2\.\d+-/, own: 'kafka_2.…jar', beside: '`bin`, `config`' },
  version: versionFor,
  coordinates,
};

/** The newest that this Java runs, when the user names none. */
function versionFor({ major, build, path }: Java, version: string | undefined): string {
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
