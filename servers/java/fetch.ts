/** Fetches a server's jars through Maven, once; runs in the keeper, so that it ends with the run. */
import { mkdir, mkdtemp, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import type { Provider } from '../keeper/servers.ts';
import { supervise } from '../keeper/supervise.ts';
import { Failed } from '../protocol.ts';
import { type Coordinate, copyJars, jarsOf, pom } from './maven.ts';

export interface FetchOptions {
  /** Absolute path. */
  maven: string;
  coordinates: Coordinate[];
  /** Absolute path of the folder that the jars shall be in; it is there when it is whole. */
  target: string;
  /** Not used: how long a download takes nobody knows. */
  startTimeout: number;
}

export const fetchJars: Provider<FetchOptions> = async ({ maven, coordinates, target }, onProcess) => {
  await mkdir(dirname(target), { recursive: true });
  const folder = await mkdtemp(join(dirname(target), `.${basename(target)}-`));
  await writeFile(join(folder, 'pom.xml'), pom(coordinates));
  const process_ = supervise({
    command: '/bin/sh',
    args: ['-c', FETCH, 'qa-fetch', target, folder, maven, ...copyJars(folder)],
    folder,
    signals: ['TERM'],
    // The user's own settings, proxies and Java count.
    env: process.env,
  });
  onProcess(process_);
  const code = await process_.exited;
  if (code === 0 && jarsOf(target).length > 0) return { process: process_, info: {} };
  const said = process_
    .lastLines()
    .filter((line) => line.includes('ERROR'))
    .slice(0, 6)
    .map((line) => `    ${line}\n`);
  throw new Failed({
    code: 'QA_SERVER_START',
    what: `Maven (${maven}) could not fetch ${coordinates[0]}; it ended with code ${code}. ${said.length ? `It wrote:\n${said.join('')}` : 'It wrote nothing.'}`,
    mend: "Let Maven reach a repository (its settings.xml names mirrors and proxies), or give the server's own folder as `embedded({ home })`",
  });
};

/** $1 is where the jars go, in one step, $2 the folder that Maven works in, the rest Maven's command. */
const FETCH = `
target=$1 folder=$2; shift 2
"$@" &
maven=$!
trap 'kill "$maven"; exit 143' TERM
wait "$maven" || exit
[ -d "$target" ] || mv "$folder/lib" "$target"
`;
