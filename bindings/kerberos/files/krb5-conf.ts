/** krb5.conf: what is made where a config names a KDC, and the little that must be known of one that is there. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/**
 * Of the realm, and for nothing else: no names are looked up in DNS, hosts are called as they are written. Several files
 * are read as one, and the `*` keeps what those behind it say about the realm out.
 */
export function writeConf(realm: string, kdcs: readonly string[]): string {
  return `[libdefaults]
  default_realm = ${realm}
  dns_lookup_realm = false
  dns_lookup_kdc = false
  dns_canonicalize_hostname = false
  rdns = false
  udp_preference_limit = 1
[realms]
  ${realm} = {
${kdcs.map((kdc) => `    kdc = ${kdc}\n`).join('')}  }*
`;
}

export interface Conf {
  defaultRealm: string | undefined;
  /** As it is written, with `%{uid}` in it. */
  defaultCache: string | undefined;
  /** As they are written. */
  kdcs(realm: string): string[];
}

/** Reads files of which the first that says something wins. What is not there or cannot be read says nothing. */
export function readConf(files: readonly string[]): Conf {
  const relations = files.flatMap(read);
  const first = (...path: string[]) => relations.find((relation) => isAt(relation, path))?.value;
  return {
    defaultRealm: first('libdefaults', 'default_realm'),
    defaultCache: first('libdefaults', 'default_ccache_name'),
    kdcs: (realm) => relations.filter((relation) => isAt(relation, ['realms', realm, 'kdc'])).map(({ value }) => value),
  };
}

interface Relation {
  path: readonly string[];
  value: string;
}

function isAt({ path }: Relation, wanted: readonly string[]): boolean {
  return path.length === wanted.length && path.every((part, index) => part === wanted[index]);
}

function read(file: string): Relation[] {
  if (!existsSync(file)) return [];
  const found: Relation[] = [];
  let path: string[] = [];
  for (const line of readFileSync(file, 'utf8')
    .split('\n')
    .map((text) => text.trim())) {
    const [, directive, target] = /^(include|includedir)\s+(\S+)/.exec(line) ?? [];
    const [, section] = /^\[([^\]]+)\]/.exec(line) ?? [];
    const [, name, value] = /^([^=;#]+?)\*?\s*=\s*(.*)$/.exec(line) ?? [];
    if (directive !== undefined) found.push(...included(directive, target!).flatMap(read));
    else if (section !== undefined) path = [section];
    else if (line.startsWith('}')) path = path.slice(0, -1);
    else if (value === '{') path = [...path, name!];
    else if (value !== undefined) found.push({ path: [...path, name!], value: value.replace(/^"(.*)"$/, '$1') });
  }
  return found;
}

/** Of a folder those that MIT's library reads. */
function included(directive: string, target: string): string[] {
  if (directive === 'include') return [target];
  if (!existsSync(target)) return [];
  return readdirSync(target)
    .filter((name) => /^[\w-]+$|^[^.].*\.conf$/.test(name))
    .map((name) => join(target, name));
}
