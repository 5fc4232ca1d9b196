/** Folders of runs that were killed before they had a keeper, which would have removed them. */
import { readdirSync, rmSync, statSync } from 'node:fs';
import { connect } from 'node:net';
import { dirname, join } from 'node:path';

/** Younger folders may be of a run that is about to listen, ms. */
const YOUNG = 60_000;

/** Removes the folders beside `own` in whose sockets nobody listens any more. Never waits, never throws. */
export function sweep(own: string): void {
  if (process.platform === 'win32') return;
  const parent = dirname(own);
  for (const name of names(parent)) {
    const folder = join(parent, name);
    if (folder === own || !isOldAndOurs(folder)) continue;
    void abandoned(join(folder, 'main'))
      .then(async (gone) => gone && (await abandoned(join(folder, 'keeper'))))
      .then((gone) => {
        if (gone) rmSync(folder, { recursive: true, force: true });
      });
  }
}

function names(parent: string): string[] {
  try {
    return readdirSync(parent).filter((name) => name.startsWith('qa-run-'));
  } catch {
    // A temporary folder that may be written but not listed: there is nothing to tidy then.
    return [];
  }
}

function isOldAndOurs(folder: string): boolean {
  const stat = statSync(folder, { throwIfNoEntry: false });
  return stat !== undefined && stat.uid === process.getuid?.() && Date.now() - stat.mtimeMs > YOUNG;
}

function abandoned(socket: string): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = connect(socket);
    probe.unref();
    probe.once('connect', () => {
      probe.destroy();
      resolve(false);
    });
    probe.once('error', (error: NodeJS.ErrnoException) =>
      resolve(error.code === 'ECONNREFUSED' || error.code === 'ENOENT'),
    );
  });
}
