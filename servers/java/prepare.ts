/**
 * What servers are started from, made once for a Java and a server's jars: an archive of the classes, left by a server
 * that ran once, and a formatted folder where the server needs one (formatting takes a JVM of its own and gives the same
 * small files each time). Runs in the keeper, so that it ends with the run.
 */
import { existsSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { newFolder, refuseWindows } from '../keeper/place.ts';
import { failedToStart } from '../keeper/ready.ts';
import type { Provider } from '../keeper/servers.ts';
import { supervise } from '../keeper/supervise.ts';
import { Failed } from '../protocol.ts';
import { argumentFile, fingerprint, leaveArchive } from './archive.ts';
import { classPath } from './maven.ts';
import { java, javaEnvironment } from './runtime.ts';
import { ARCHIVE, FORMATTED, type Recipe, writeSettings } from './serve.ts';

export interface PrepareOptions {
  /** Absolute path. */
  java: string;
  /** Folder of the server's jars. */
  jars: string;
  /** Where the result is to be, see `preparedFolder`. */
  target: string;
  /** Not used: it is announced and counts for no timeout. */
  startTimeout: number;
}

/** Files of a little more than 50 MB, for some seconds. */
const ENOUGH_MEMORY = 256 * 1024 ** 2;

/** Where what was prepared for this Java and these jars is; whole when it is there. */
export async function preparedFolder(
  { key }: Pick<Recipe, 'key'>,
  options: { java: string; jars: string; cache: string },
): Promise<string> {
  const { build } = await java(options.java);
  return join(options.cache, `${key}-${fingerprint(build, classPath(options.jars))}`);
}

export function preparer(recipe: Recipe): Provider<PrepareOptions> {
  return async ({ java: path, jars, target }, onProcess) => {
    refuseWindows(recipe.address);
    const runtime = await java(path);
    const cache = join(target, '..');
    await mkdir(cache, { recursive: true }).catch((error: Error) => {
      throw notWritable(cache, error);
    });
    const folder = await newFolder(`qa-${recipe.key}-`, ENOUGH_MEMORY);
    await writeSettings(recipe, folder, { jars, archive: leaveArchive(join(folder, 'made', ARCHIVE), runtime) });
    if (recipe.format) await writeFile(join(folder, 'format'), argumentFile(recipe.format(folder)));
    const process = supervise({
      command: '/bin/sh',
      args: ['-c', PREPARE, 'qa-prepare', folder, target, path, ...recipe.main(folder)],
      folder,
      signals: ['TERM'],
      env: javaEnvironment(),
    });
    onProcess(process);
    await process.line(recipe.isReady).then(
      async () => globalThis.process.kill(await process.pid, 'SIGUSR1'),
      // It has ended: its code and lines tell why.
      () => undefined,
    );
    const code = await process.exited;
    if (code === 0 && existsSync(target)) return { process, info: {} };
    throw failedToStart(recipe, { what: `ended with code ${code}`, log: process.lastLines() });
  };
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
 * $1 is the supervised folder, $2 where the result goes in one step, $3 Java, the rest the server's class and arguments.
 * SIGUSR1 says that the server is ready: it ends then, in order, and leaves the archive. SIGTERM is what an ended run
 * sends.
 */
const PREPARE = `
folder=$1 target=$2 java=$3; shift 3
trap 'kill -KILL "$child"; exit 143' TERM
trap 'kill -TERM "$child"' USR1
finish() { while kill -0 "$child" 2>/dev/null; do wait "$child"; done; wait "$child"; }
mkdir "$folder/made" || exit 1
if [ -f "$folder/format" ]; then
  "$java" "@$folder/jvm" "@$folder/format" &
  child=$!
  finish && cp -R "$folder/${FORMATTED}" "$folder/made/${FORMATTED}" || exit 1
fi
"$java" "@$folder/archive" "@$folder/jvm" "$@" &
child=$!
finish
[ -d "$target" ] || { cp -R "$folder/made" "$target.$$" && mv "$target.$$" "$target"; }
`;
