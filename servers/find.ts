/** Finds the program of a throwaway server: in a folder that the user names, else in PATH. */
import { existsSync } from 'node:fs';
import { delimiter, join, resolve } from 'node:path';
import { Failed } from './protocol.ts';

export interface Wanted {
  /** In the order in which they are taken. */
  names: readonly string[];
  /** `binaries` of `embedded()`. */
  binaries: string | undefined;
  /** The folder that relative paths start from. */
  baseDir: string;
  /** What to do where there is none, as the beginning of a sentence: `Install one (…)`. */
  install: string;
  /** The option that gives the connection another server: `url`. */
  address: string;
}

/** The absolute path of the program. Throws Failed QA_SERVER_START or QA_CONFIG. */
export function findIn({ names, binaries, baseDir, install, address }: Wanted): string {
  if (binaries !== undefined) return inFolder(resolve(baseDir, binaries), { names, written: binaries });
  const folders = (process.env.PATH ?? '').split(delimiter).filter((folder) => folder !== '');
  const found = names.flatMap((name) => folders.map((folder) => join(folder, name))).find((file) => existsSync(file));
  if (found !== undefined) return found;
  throw new Failed({
    code: 'QA_SERVER_START',
    what: `Nothing here can run a throwaway server: neither ${names.join(', ').replace(/, ([^,]*)$/, ' nor $1')} is in PATH`,
    mend: `${install}, name its folder (\`embedded({ binaries })\`), or give the connection the \`${address}\` of a server of your own`,
  });
}

function inFolder(folder: string, { names, written }: { names: readonly string[]; written: string }): string {
  const found = names
    .flatMap((name) => [join(folder, name), join(folder, 'bin', name)])
    .find((file) => existsSync(file));
  if (found !== undefined) return found;
  throw new Failed({
    code: 'QA_CONFIG',
    what: `\`binaries: '${written}'\` is ${existsSync(folder) ? `a folder without ${names.join(', ')}` : 'no folder'}: ${folder}`,
    mend: 'Name the folder of one of these programs, or leave `binaries` out: then it is looked for in PATH',
  });
}
