/** Whose keys a keytab holds. The keys themselves are never read. */
import { Reader, writePrincipal } from './reader.ts';

/**
 * Names in the order of the file, each once.
 *
 * @throws RangeError, Error where it is no keytab
 */
export function principalsOf(keytab: Buffer): string[] {
  const reader = new Reader(keytab);
  if (reader.uint16() !== 0x0502) throw new Error('It does not begin as a keytab does.');
  const found = new Set<string>();
  while (!reader.isAtEnd) {
    const length = reader.int32();
    // What was removed leaves a hole.
    if (length <= 0) reader.skip(-length);
    else found.add(principalOf(reader.part(length)));
  }
  return [...found];
}

function principalOf(entry: Reader): string {
  const count = entry.uint16();
  const realm = entry.text(entry.uint16());
  const parts = Array.from({ length: count }, () => entry.text(entry.uint16()));
  return writePrincipal(parts, realm);
}
