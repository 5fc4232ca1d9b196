/** How a throwaway Kafka broker is run; in the keeper. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { preparer } from '../java/prepare.ts';
import { type JavaOptions, type Recipe, serve } from '../java/serve.ts';
import { freePort, HOST } from '../keeper/place.ts';
import type { Provider } from '../keeper/servers.ts';
import { KAFKA } from './find.ts';
import { jvmOptions, LOGGING, READY, serverProperties } from './properties.ts';

export interface KafkaOptions extends JavaOptions {
  /** Whose broker it is: a worker's number, or `shared`. */
  owner: string;
}

export interface KafkaInfo {
  /** Tells this broker from one that was started later in its place. */
  id: string;
  /** `127.0.0.1:port` */
  broker: string;
  pid: number;
  folder: string;
}

const CLUSTER = 'MkU3OEVBNTcwNTJENDM2Qk';
const properties = (folder: string) => join(folder, 'server.properties');

const RECIPE: Recipe = {
  name: KAFKA.name,
  key: KAFKA.key,
  address: KAFKA.address,
  // Topics are files.
  enough: 2 * 1024 ** 3,
  async write(folder) {
    const [broker, controller] = await Promise.all([freePort(), freePort()]);
    await writeFile(properties(folder), serverProperties(folder, { broker, controller }));
    for (const [name, text] of Object.entries(LOGGING)) await writeFile(join(folder, name), text);
    return { port: broker, jvm: jvmOptions(folder) };
  },
  main: (folder) => ['kafka.Kafka', properties(folder)],
  format: (folder) => ['kafka.tools.StorageTool', 'format', '-t', CLUSTER, '-c', properties(folder)],
  isReady: (line) => line.includes(READY),
  isPortTaken: (line) => line.includes('Address already in use'),
};

export const startKafka: Provider<KafkaOptions> = async (options, onProcess) => {
  const { process, port, pid, folder } = await serve(RECIPE, options, onProcess);
  return { process, info: { id: `${pid}-${port}`, broker: `${HOST}:${port}`, pid, folder } };
};

export const prepareBroker = preparer(RECIPE);
