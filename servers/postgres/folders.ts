/** Where a throwaway PostgreSQL's data and, for root, a copy of its programs are. */
import { createHash } from 'node:crypto';
import { chmod, chown, cp, lstat, mkdtemp, readdir, readFile, rename, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { newFolder } from '../keeper/place.ts';
import { type Account, canReach } from './account.ts';

/** Free space that makes memory the place for data, bytes. */
const ENOUGH_MEMORY = 512 * 1024 * 1024;

/** A new folder that only the server's account may enter: in memory where there is room, else the temporary one. */
export async function dataFolder(account: Account | undefined): Promise<string> {
  const folder = await newFolder('qa-postgres-', ENOUGH_MEMORY, temporaryFolder(account));
  if (account) await chown(folder, account.uid, account.gid);
  return folder;
}

/**
 * The programs' folder as the account can reach it: itself, or a copy where it lies in somebody's private folder (a
 * project under /root). The copy is made once a version and stays.
 */
export async function reachablePrograms(bin: string, account: Account | undefined): Promise<string> {
  if (canReach(account, bin)) return bin;
  const tree = dirname(bin);
  const name = `qa-postgres-programs-${process.getuid?.()}-${await fingerprint(tree, basename(bin))}`;
  const copy = join(temporaryFolder(account), name);
  if (!(await isOurs(copy))) {
    const unfinished = await mkdtemp(`${copy}-`);
    await cp(tree, unfinished, { recursive: true, verbatimSymlinks: true });
    await chmod(unfinished, 0o755);
    // Another run may have been faster; its copy is as good.
    await rename(unfinished, copy).catch(() => rm(unfinished, { recursive: true, force: true }));
  }
  return join(copy, basename(bin));
}

/** Of the files, wherever they lie: one version has one copy, and a damaged installation is not taken for a whole one. */
async function fingerprint(tree: string, bin: string): Promise<string> {
  const hash = createHash('sha256');
  for (const path of (await readdir(tree, { recursive: true })).sort()) {
    const file = await lstat(join(tree, path));
    hash.update(`${path}\0${file.isDirectory() ? 'folder' : file.size}\0`);
  }
  hash.update(await readFile(join(tree, bin, 'postgres')));
  return hash.digest('hex').slice(0, 12);
}

function temporaryFolder(account: Account | undefined): string {
  const own = tmpdir();
  return canReach(account, own) ? own : '/tmp';
}

/** Anybody may make a folder of that name in a temporary folder; only our own is trusted. */
async function isOurs(folder: string): Promise<boolean> {
  try {
    const found = await lstat(folder);
    return found.isDirectory() && found.uid === process.getuid?.() && (found.mode & 0o022) === 0;
  } catch {
    return false;
  }
}
