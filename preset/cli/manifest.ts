/** What package.json files of packages say. */
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

export interface Manifest {
  readonly version: string;
  readonly engines?: { readonly node?: string };
  readonly peerDependencies?: Readonly<Record<string, string>>;
}

let manifest: Manifest | undefined;

/** Of this package. */
export function ownManifest(): Manifest {
  manifest ??= JSON.parse(readFileSync(place(), 'utf8')) as Manifest;
  return manifest;
}

/** Of a package as Node finds it from a folder; undefined: it is not installed. */
export function installedManifest(name: string, folder: string): Manifest | undefined {
  for (let at = folder; ; at = dirname(at)) {
    const file = join(at, 'node_modules', name, 'package.json');
    if (existsSync(file)) return JSON.parse(readFileSync(file, 'utf8')) as Manifest;
    if (at === dirname(at)) return undefined;
  }
}

/** Beside `dist` or, in this repository, above the sources. */
function place(): URL {
  return new URL(import.meta.url.endsWith('.ts') ? '../../package.json' : '../package.json', import.meta.url);
}
