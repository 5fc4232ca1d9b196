/** Starts a throwaway server that a JVM runs; runs in the keeper. */
import { existsSync } from 'node:fs';
import { cp, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { newFolder, PORT_ATTEMPTS, refuseWindows } from '../keeper/place.ts';
import { failedToStart, isReady } from '../keeper/ready.ts';
import { type Supervised, supervise } from '../keeper/supervise.ts';
import { argumentFile, useArchive } from './archive.ts';
import { classPath } from './maven.ts';
import { javaEnvironment } from './runtime.ts';

/** How one kind of server is run. */
export interface Recipe {
  /** In texts: `Kafka`. */
  name: string;
  /** Begins the names of folders: `kafka`. */
  key: string;
  /** The option that gives a connection a server of the user's own: `brokers`. */
  address: string;
  /** With fewer bytes free in memory its data goes to the disk. */
  enough: number;
  /** Writes what the server is started with into its folder, with ports that are free. */
  write(folder: string): Promise<Settings>;
  /** Main class and arguments. */
  main(folder: string): string[];
  /** Main class and arguments of what fills `data` in the folder first, the same for all that start. */
  format?(folder: string): string[];
  /** Whether this line says that it answers. */
  isReady(line: string): boolean;
  /** Whether this line says that its port was taken. */
  isPortTaken(line: string): boolean;
}

export interface Settings {
  /** Where it will answer. */
  port: number;
  /** Options of its JVM. */
  jvm: string[];
}

export interface JavaOptions {
  /** Absolute path. */
  java: string;
  /** Folder of the server's jars. */
  jars: string;
  /** What was prepared for this Java and these jars. */
  prepared: string;
  /** ms */
  startTimeout: number;
}

export interface Served {
  process: Supervised;
  port: number;
  pid: number;
  folder: string;
}

/** In a folder that was prepared. */
export const FORMATTED = 'data';
export const ARCHIVE = 'classes.jsa';

/** Throws Failed QA_SERVER_START. `onProcess` is told each process before it is ready. */
export async function serve(
  recipe: Recipe,
  { java, jars, prepared, startTimeout }: JavaOptions,
  onProcess: (process: Supervised) => void,
): Promise<Served> {
  const deadline = performance.now() + startTimeout;
  refuseWindows(recipe.address);
  for (let attempt = 1; ; attempt += 1) {
    const folder = await newFolder(`qa-${recipe.key}-`, recipe.enough);
    const formatted = join(prepared, FORMATTED);
    if (existsSync(formatted)) await cp(formatted, join(folder, FORMATTED), { recursive: true });
    const port = await writeSettings(recipe, folder, { jars, archive: useArchive(join(prepared, ARCHIVE)) });
    const process = supervise({
      command: java,
      args: [`@${folder}/archive`, `@${folder}/jvm`, ...recipe.main(folder)],
      folder,
      // Nothing of it must be saved.
      signals: ['KILL'],
      env: javaEnvironment(),
    });
    onProcess(process);
    const isUp = await isReady(process, {
      ...recipe,
      isPortTaken: (lines) => lines.some(recipe.isPortTaken),
      deadline,
      startTimeout,
    });
    if (isUp) return { process, port, pid: await process.pid, folder };
    if (attempt === PORT_ATTEMPTS)
      throw failedToStart(recipe, { what: 'found no free port', log: process.lastLines() });
  }
}

/** Files that a server is started with; returns its port. */
export async function writeSettings(
  recipe: Recipe,
  folder: string,
  { jars, archive }: { jars: string; archive: string[] },
): Promise<number> {
  const { port, jvm } = await recipe.write(folder);
  await writeFile(join(folder, 'jvm'), argumentFile([...jvm, '-cp', classPath(jars)]));
  await writeFile(join(folder, 'archive'), argumentFile(archive));
  return port;
}
