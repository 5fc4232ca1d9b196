/** Hands out Vaults in development mode: one for each worker, or one for all. */
import { createHash } from 'node:crypto';
import type { Lease, Namespace } from '../../bindings/core/binding.ts';
import { isEmbedded } from '../../bindings/core/server.ts';
import type { KeeperClient } from '../client.ts';
import { findIn } from '../find.ts';
import { Failed } from '../protocol.ts';
import { checkSeed, type Seed, seedVault } from './seed.ts';
import type { VaultInfo, VaultServerOptions } from './start.ts';

export interface VaultRequest {
  /** `embedded(…)` */
  server: unknown;
  connection: string;
  namespace: Namespace;
  baseDir: string;
  signal: AbortSignal;
}

const DEFAULT_START_TIMEOUT = 60_000;

export async function leaseVault(request: VaultRequest, line: KeeperClient): Promise<Lease> {
  const { server, connection, namespace, baseDir, signal } = request;
  if (!isEmbedded(server)) {
    throw new Failed({
      code: 'QA_CONFIG',
      what: '`server` is not `embedded(…)`',
      mend: 'Give `embedded()`, or the `address` and `auth` of a Vault that is running',
    });
  }
  const { binaries, isolation = 'worker', startTimeout = DEFAULT_START_TIMEOUT, seed = {} } = server.options;
  checkSeed(seed);
  const program = findIn({
    names: ['bao', 'vault'],
    binaries,
    baseDir,
    install: 'Install OpenBao or Vault',
    address: 'address',
  });
  const owner = `${connection} ${isolation === 'worker' ? namespace.worker : 'shared'}`;
  const options = { program, owner, seed: digest(seed), startTimeout };
  const { id, address, token } = await line.start<VaultInfo, VaultServerOptions>('vault', options, signal);
  // Told to the keeper for those who look at what is kept.
  const filled = async () => {
    await seedVault(seed, { address, token, signal });
    return { value: true, address: `${address} (token ${token})` };
  };
  await line.once(`vault ${id}`, filled, signal);
  return {
    options: { address, auth: { token } },
    because: 'a throwaway server that this run started',
    isShared: isolation === 'run',
    secret: { id, token },
  };
}

function digest(seed: Seed): string {
  return createHash('sha256').update(JSON.stringify(seed)).digest('hex').slice(0, 8);
}
