/** How a throwaway Cassandra is run; in the keeper. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { preparer } from '../java/prepare.ts';
import { type JavaOptions, type Recipe, serve } from '../java/serve.ts';
import { freePort, HOST } from '../keeper/place.ts';
import type { Provider } from '../keeper/servers.ts';
import { CASSANDRA } from './find.ts';
import { cassandraYaml, jvmOptions, logback, MAIN, READY } from './settings.ts';

export interface CassandraInfo {
  /** Tells this server from one that was started later in its place. */
  id: string;
  /** `127.0.0.1:port` */
  contactPoint: string;
}

const RECIPE: Recipe = {
  name: CASSANDRA.name,
  key: CASSANDRA.key,
  address: CASSANDRA.address,
  enough: 1024 ** 3,
  async write(folder) {
    const [native, storage] = await Promise.all([freePort(), freePort()]);
    await writeFile(join(folder, 'cassandra.yaml'), cassandraYaml({ native, storage }));
    await writeFile(join(folder, 'logback.xml'), logback());
    return { port: native, jvm: jvmOptions(folder) };
  },
  main: () => [MAIN],
  isReady: (line) => line.includes(READY),
  // Of clients, or of other nodes.
  isPortTaken: (line) => /Failed to bind port|Address already in use|is in use by another process/.test(line),
};

export const startCassandra: Provider<JavaOptions> = async (options, onProcess) => {
  const { process, port, pid } = await serve(RECIPE, options, onProcess);
  return { process, info: { id: `${pid}-${port}`, contactPoint: `${HOST}:${port}` } };
};

export const prepareCassandra = preparer(RECIPE);
