/** Finds a throwaway broker of this machine as an operating system sees it. */
import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Folders of brokers that run or are prepared. */
function brokerFolders(): string[] {
  return ['/dev/shm', tmpdir()]
    .filter((parent) => existsSync(parent))
    .flatMap((parent) => readdirSync(parent).map((name) => join(parent, name)))
    .filter((path) => /qa-kafka-\w+$/.test(path));
}

/** The one that listens at `127.0.0.1:port`. */
export function brokerAt(address: string): { pid: number; folder: string } {
  const folder = brokerFolders().find((path) => {
    const properties = join(path, 'server.properties');
    return existsSync(properties) && readFileSync(properties, 'utf8').includes(`PLAINTEXT://${address},`);
  });
  if (folder === undefined) throw new Error(`There is no broker at ${address}.`);
  return { folder, pid: javaOf(folder)! };
}

/** The broker that is prepared for `cache`, once its folder is there. */
export function preparing(cache: string): { pid: number | undefined; folder: string } | undefined {
  const found = processes().find((line) => line.includes('qa-prepare') && line.includes(` ${cache}/`));
  const folder = found && /qa-prepare (\S+)/.exec(found)?.[1];
  return folder ? { folder, pid: javaOf(folder) } : undefined;
}

/** The JVM that works in `folder`. */
export function javaOf(folder: string): number | undefined {
  const found = processes().find((line) => line.includes(`@${folder}/jvm`) && !line.includes('qa-server'));
  return found === undefined ? undefined : Number.parseInt(found, 10);
}

/** Whether any process of a server in `folder` is left, its supervisor too. */
export function isWorkedIn(folder: string): boolean {
  return processes().some((line) => line.includes(folder));
}

function processes(): string[] {
  return execFileSync('ps', ['-axwwo', 'pid=,args='], { encoding: 'utf8' }).split('\n');
}
