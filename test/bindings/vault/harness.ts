/** One server for the tests of a file, connections to it as the session opens them, and sessions of whole configs. */
import { inspect } from 'node:util';
import { afterAll, beforeAll, expect } from 'vitest';
import type { Scope } from '../../../bindings/core/binding.ts';
import type { Connection } from '../../../bindings/core/connection.ts';
import type { QaError } from '../../../bindings/core/errors.ts';
import { binding, type VaultOptions } from '../../../bindings/vault/index.ts';
import { Journal } from '../../../environment/log/journal.ts';
import { Session } from '../../../environment/session.ts';
import { openBinding } from '../../support/scope.ts';
import { ROOT_TOKEN, startVault, type TestVault } from '../../support/vault.ts';

export interface Suite {
  server: TestVault;
}

/** Fills what it returns before all tests. */
export function vaultSuite(prepare: (server: TestVault) => Promise<unknown> = async () => undefined): Suite {
  const suite = {} as Suite;
  beforeAll(async () => {
    suite.server = await startVault();
    await prepare(suite.server);
  });
  afterAll(() => suite.server?.stop());
  return suite;
}

export const root = ({ server }: Suite): VaultOptions => ({ address: server.address, auth: { token: ROOT_TOKEN } });

export function open(options: VaultOptions, changes: Partial<Scope> = {}) {
  return openBinding(binding, options, { connection: 'vault', ...changes });
}

/** All that a text could show of an error. */
export function shown(error: unknown): string {
  const parts: string[] = [];
  for (let at = error; at instanceof Error; at = at.cause) parts.push(at.message, at.stack ?? '', JSON.stringify(at));
  return [...parts, inspect(error, { depth: 10, showHidden: true })].join('\n');
}

export async function failure(work: Promise<unknown>): Promise<QaError> {
  const error: unknown = await work.then(
    () => undefined,
    (reason) => reason,
  );
  expect(error, 'it should have failed').toBeInstanceOf(Error);
  return error as QaError;
}

export function session(connections: Record<string, Connection>): Session {
  return new Session({
    config: { connections, file: `${process.cwd()}/qa.config.ts`, baseDir: process.cwd(), stand: undefined },
    namespace: { run: 'r', worker: '1' },
    workers: 1,
    journal: () => silentJournal,
    adopt: (value) => value,
    waitFor: () => new Promise(() => undefined),
  });
}

const silentJournal = new Journal({
  base: { run: 'r', worker: '1', file: 'a.test.ts' },
  baseDir: process.cwd(),
  log: undefined,
  redact: (text) => text,
  current: () => undefined,
});
