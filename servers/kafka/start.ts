/** Starts a throwaway Kafka broker; runs in the keeper. */
import { cp } from 'node:fs/promises';
import { join } from 'node:path';
import { useArchive } from '../java/archive.ts';
import { classPath } from '../java/maven.ts';
import { javaEnvironment } from '../java/runtime.ts';
import { HOST, newFolder, PORT_ATTEMPTS, refuseWindows } from '../keeper/place.ts';
import { failedToStart, isReady } from '../keeper/ready.ts';
import type { Provider } from '../keeper/servers.ts';
import { supervise } from '../keeper/supervise.ts';
import { ARCHIVE, FORMATTED, writeSettings } from './prepare.ts';
import { READY } from './properties.ts';

export interface KafkaOptions {
  /** Absolute path. */
  java: string;
  /** Folder of the broker's jars. */
  jars: string;
  /** What was prepared for this Java and these jars. */
  prepared: string;
  /** Whose broker it is: a worker's number, or `shared`. */
  owner: string;
  /** ms */
  startTimeout: number;
}

export interface KafkaInfo {
  /** Tells this broker from one that was started later in its place. */
  id: string;
  /** `127.0.0.1:port` */
  broker: string;
  pid: number;
  folder: string;
}

/** Topics are files: with fewer bytes free in memory they go to the disk. */
const ENOUGH_MEMORY = 2 * 1024 ** 3;
const NAMES = { name: 'Kafka', address: 'brokers' } as const;

export const startKafka: Provider<KafkaOptions> = async ({ java, jars, prepared, startTimeout }, onProcess) => {
  const deadline = performance.now() + startTimeout;
  refuseWindows('brokers');
  for (let attempt = 1; ; attempt += 1) {
    const folder = await newFolder('qa-kafka-', ENOUGH_MEMORY);
    await cp(join(prepared, FORMATTED), join(folder, 'data'), { recursive: true });
    const port = await writeSettings(folder, {
      classPath: classPath(jars),
      archive: useArchive(join(prepared, ARCHIVE)),
    });
    const server = supervise({
      command: java,
      args: [`@${folder}/archive`, `@${folder}/jvm`, 'kafka.Kafka', join(folder, 'server.properties')],
      folder,
      // Nothing of it must be saved.
      signals: ['KILL'],
      env: javaEnvironment(),
    });
    onProcess(server);
    const isUp = await isReady(server, {
      ...NAMES,
      isReady: (line) => line.includes(READY),
      isPortTaken: (lines) => lines.some((line) => line.includes('Address already in use')),
      deadline,
      startTimeout,
    });
    if (isUp) {
      const pid = await server.pid;
      return { process: server, info: { id: `${pid}-${port}`, broker: `${HOST}:${port}`, pid, folder } };
    }
    if (attempt === PORT_ATTEMPTS) throw failedToStart(NAMES, { what: 'found no free port', log: server.lastLines() });
  }
};
