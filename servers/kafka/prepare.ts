/**
 * What brokers are started from, made once for a Java and a Kafka: a formatted folder (formatting takes a JVM of its own
 * and gives the same two small files each time), and an archive of the classes, left by a broker that ran once.
 * Runs in the keeper, so that it ends with the run.
 */
import { existsSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { argumentFile, fingerprint, leaveArchive } from '../java/archive.ts';
import { classPath } from '../java/maven.ts';
import { java, javaEnvironment } from '../java/runtime.ts';
import { freePort, newFolder, refuseWindows } from '../keeper/place.ts';
import { failedToStart } from '../keeper/ready.ts';
import type { Provider } from '../keeper/servers.ts';
import { supervise } from '../keeper/supervise.ts';
import { Failed } from '../protocol.ts';
import { jvmOptions, LOGGING, READY, serverProperties } from './properties.ts';

export interface PrepareOptions {
  /** Absolute path. */
  java: string;
  /** Folder of the broker's jars. */
  jars: string;
  /** Where the result is to be, see `preparedFolder`. */
  target: string;
  /** Not used: it is announced and counts for no timeout. */
  startTimeout: number;
}

const CLUSTER = 'MkU3OEVBNTcwNTJENDM2Qk';
export const FORMATTED = 'data';
export const ARCHIVE = 'classes.jsa';

/** Files of a little more than 50 MB, for some seconds. */
const ENOUGH_MEMORY = 256 * 1024 ** 2;

/** Where what was prepared for this Java and these jars is; whole when it is there. */
export async function preparedFolder(options: { java: string; jars: string; cache: string }): Promise<string> {
  const { build } = await java(options.java);
  return join(options.cache, `kafka-${fingerprint(build, classPath(options.jars))}`);
}

export const prepareBroker: Provider<PrepareOptions> = async ({ java: path, jars, target }, onProcess) => {
  refuseWindows('brokers');
  const runtime = await java(path);
  const cache = join(target, '..');
  await mkdir(cache, { recursive: true }).catch((error: Error) => {
    throw notWritable(cache, error);
  });
  const folder = await newFolder('qa-kafka-', ENOUGH_MEMORY);
  await writeSettings(folder, {
    classPath: classPath(jars),
    archive: leaveArchive(join(folder, 'made', ARCHIVE), runtime),
  });
  const process = supervise({
    command: '/bin/sh',
    args: ['-c', PREPARE, 'qa-prepare', folder, target, path],
    folder,
    signals: ['TERM'],
    env: javaEnvironment(),
  });
  onProcess(process);
  await process
    .line((line) => line.includes(READY))
    .then(
      async () => globalThis.process.kill(await process.pid, 'SIGUSR1'),
      // It has ended: its code and lines tell why.
      () => undefined,
    );
  const code = await process.exited;
  if (code === 0 && existsSync(target)) return { process, info: {} };
  throw failedToStart(
    { name: 'Kafka', address: 'brokers' },
    { what: `ended with code ${code}`, log: process.lastLines() },
  );
};

/** Files that a broker is started with; returns its port. */
export async function writeSettings(
  folder: string,
  { classPath, archive }: { classPath: string; archive: string[] },
): Promise<number> {
  const [broker, controller] = await Promise.all([freePort(), freePort()]);
  await writeFile(join(folder, 'server.properties'), serverProperties(folder, { broker, controller }));
  for (const [name, text] of Object.entries(LOGGING)) await writeFile(join(folder, name), text);
  await writeFile(join(folder, 'jvm'), argumentFile([...jvmOptions(folder), '-cp', classPath]));
  await writeFile(join(folder, 'archive'), argumentFile(archive));
  return broker;
}

function notWritable(folder: string, cause: Error): Failed {
  return new Failed(
    {
      code: 'QA_SERVER_START',
      what: `The folder for what is kept for later runs cannot be made: ${folder} (${cause.message})`,
      mend: 'Set QA_CACHE to a folder that this user may write',
    },
    cause,
  );
}

/**
 * $1 is the supervised folder, $2 where the result goes in one step, $3 Java. SIGUSR1 says that the broker is ready: it
 * ends then, in order, and leaves the archive. SIGTERM is what an ended run sends.
 */
const PREPARE = `
folder=$1 target=$2 java=$3
trap 'kill -KILL "$child"; exit 143' TERM
trap 'kill -TERM "$child"' USR1
finish() { while kill -0 "$child" 2>/dev/null; do wait "$child"; done; wait "$child"; }
"$java" "@$folder/jvm" kafka.tools.StorageTool format -t ${CLUSTER} -c "$folder/server.properties" &
child=$!
finish || exit 1
mkdir "$folder/made" && cp -R "$folder/data" "$folder/made/${FORMATTED}" || exit 1
"$java" "@$folder/archive" "@$folder/jvm" kafka.Kafka "$folder/server.properties" &
child=$!
finish
[ -d "$target" ] || { cp -R "$folder/made" "$target.$$" && mv "$target.$$" "$target"; }
`;
