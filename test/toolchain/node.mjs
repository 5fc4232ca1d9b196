/** Where a Node is that Vitest 5 supports: the running one where it is new enough, else the one the lock file pins. */
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';

export function newerNode() {
  const [major, minor] = process.versions.node.split('.').map(Number);
  if (major > 22 || (major === 22 && minor >= 12)) return process.execPath;
  const name = `node-${process.platform}-${process.arch}`;
  let path;
  try {
    path = createRequire(import.meta.url).resolve(`${name}/bin/node`);
  } catch {
    path = undefined;
  }
  if (path && existsSync(path)) return path;
  throw new Error(
    `Vitest needs Node 22.12 or newer, this is ${process.version}, and the package ${name} is not installed. Install Node 22.12 or newer, or run \`npm ci\` with optional dependencies.`,
  );
}
