/** Where the sockets of a run are. */
import { join } from 'node:path';

/** Address of a socket in the run's folder. On Windows pipes have a namespace of their own. */
export function address(folder: string, name: 'main' | 'keeper'): string {
  return process.platform === 'win32' ? `\\\\.\\pipe\\${folder.replace(/\W+/g, '-')}-${name}` : join(folder, name);
}
