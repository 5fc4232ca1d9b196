/** Finds a program that serves Redis' protocol: in a folder that the user names, else in PATH. */
import { findIn } from '../find.ts';

/** In the order in which they are taken; one that is named as the connection is comes first. */
const PROGRAMS = ['dragonfly', 'valkey-server', 'redis-server'] as const;

/** The absolute path of the program. Throws Failed QA_SERVER_START or QA_CONFIG. */
export function findProgram(kind: string, binaries: string | undefined, baseDir: string): string {
  const own = PROGRAMS.find((program) => program.startsWith(kind));
  return findIn({
    names: own === undefined ? PROGRAMS : [own, ...PROGRAMS.filter((program) => program !== own)],
    binaries,
    baseDir,
    install: 'Install one (on Debian: `apt-get install redis-server`)',
    address: 'url',
  });
}
