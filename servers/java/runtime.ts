/** The Java that runs a server. */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { Failed } from '../protocol.ts';

export interface Java {
  path: string;
  /** 17, 21; 8 for 1.8. */
  major: number;
  /** All that `java -version` prints: tells one Java from another. */
  build: string;
}

const asked = new Map<string, Promise<Java>>();

/** Throws Failed QA_SERVER_START when it does not run. */
export function java(path: string): Promise<Java> {
  let found = asked.get(path);
  if (found === undefined) {
    found = ask(path);
    asked.set(path, found);
    // One that was mended meanwhile is asked again.
    found.catch(() => asked.delete(path));
  }
  return found;
}

async function ask(path: string): Promise<Java> {
  try {
    const { stdout, stderr } = await promisify(execFile)(path, ['-version'], { env: javaEnvironment() });
    const build = `${stderr}${stdout}`.trim();
    const [, first, second] = /version "(\d+)(?:\.(\d+))?/.exec(build) ?? [];
    return { path, major: Number(first === '1' ? second : first), build };
  } catch (error) {
    const { message, stderr } = error as Error & { stderr?: string };
    throw new Failed(
      {
        code: 'QA_SERVER_START',
        what: `The Java at ${path} does not run: ${stderr?.trim() || message}`,
        mend: 'Install a Java runtime, version 17 or newer, or let JAVA_HOME name one that works',
      },
      error,
    );
  }
}

/** Without what would change how a JVM starts or add agents to it (JAVA_TOOL_OPTIONS, KAFKA_OPTS). */
export function javaEnvironment(): NodeJS.ProcessEnv {
  const { PATH, TZ, HOME } = process.env;
  return { PATH, HOME, ...(TZ ? { TZ } : {}) };
}
