/** Finds `java` and `mvn`. */
import { accessSync, constants, statSync } from 'node:fs';
import { delimiter, join } from 'node:path';

export interface Found {
  /** Absolute path of the program; undefined when it is nowhere. */
  path: string | undefined;
  /** Where it was looked for, for texts. */
  looked: string;
}

export function findJava(env: NodeJS.ProcessEnv = process.env): Found {
  return findProgram('java', ['JAVA_HOME'], env);
}

export function findMaven(env: NodeJS.ProcessEnv = process.env): Found {
  return findProgram('mvn', ['MAVEN_HOME', 'M2_HOME'], env);
}

/** A variable that is set wins over PATH, as in the programs' own scripts. */
export function findProgram(
  name: string,
  variables: readonly string[] = [],
  env: NodeJS.ProcessEnv = process.env,
): Found {
  const homes = variables.flatMap((variable) => (env[variable] ? [join(env[variable], 'bin', name)] : []));
  const paths = (env.PATH ?? '').split(delimiter).flatMap((folder) => (folder ? [join(folder, name)] : []));
  return {
    path: [...homes, ...paths].find(isProgram),
    looked: `\`${name}\` in ${[...variables.map((variable) => `${variable} (${env[variable] || 'not set'})`), 'PATH'].join(', ')}`,
  };
}

function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    // Not there, or not for us to run: the next place is looked at.
    return false;
  }
}
