/**
 * An archive of a server's classes (AppCDS), which halves its start. A JVM leaves one as it ends in order; one that does
 * not fit its Java or class path is ignored by the JVM.
 */
import { createHash } from 'node:crypto';
import { existsSync, statSync } from 'node:fs';

/** The first Java whose programs can leave an archive as they end. */
const FIRST_WITH_ARCHIVES = 13;

/** Options of the JVM that is to leave an archive; none where this Java cannot. */
export function leaveArchive(file: string, { major }: { major: number }): string[] {
  return major < FIRST_WITH_ARCHIVES ? [] : [`-XX:ArchiveClassesAtExit=${file}`, ...QUIET];
}

/** Options of the JVM that uses an archive where there is one. */
export function useArchive(file: string): string[] {
  return existsSync(file) ? [`-XX:SharedArchiveFile=${file}`, ...QUIET] : [];
}

/** What differs when the Java or a jar does. */
export function fingerprint(build: string, classPath: string): string {
  const hash = createHash('sha256').update(`${build}\0`);
  for (const jar of classPath.split(':')) {
    const { size, mtimeMs } = statSync(jar);
    hash.update(`${jar}\0${size}\0${mtimeMs}\0`);
  }
  return hash.digest('hex').slice(0, 12);
}

/** Options as a file for `java @file`: none is too long or has a blank too many there. */
export function argumentFile(options: readonly string[]): string {
  return options.map((option) => `"${option.replace(/[\\"]/g, '\\$&')}"\n`).join('');
}

/** What the JVM says about archives is no line of the server's. */
const QUIET = ['-Xshare:auto', '-Xlog:cds=off', '-Xlog:cds+dynamic=off', '-Xlog:class+path=off'];
