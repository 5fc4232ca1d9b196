/** HashiCorp Vault and OpenBao, through `node-vault`. */
import type { Binding } from '../core/binding.ts';
import { type Connection, connection } from '../core/connection.ts';
import { VaultClient } from './client.ts';
import { VaultHandle } from './handle.ts';
import { describeTarget, type ParsedOptions, parseOptions, type VaultOptions, withAddress } from './options.ts';
import { ownership, reset } from './reset.ts';

export type { AuthOptions } from './auth-options.ts';
export type { VaultCredentials } from './credentials.ts';
export type { VaultHandle } from './handle.ts';
export type { SecretData, SecretMetadata, SecretVersion } from './kv.ts';
export type { VaultOptions } from './options.ts';
export { type FromVaultOptions, fromVault } from './references.ts';
export type { ReadSecretOptions, VaultSecret } from './secret.ts';

export const binding = {
  kind: 'vault',
  driver: { name: 'node-vault', range: '>=0.10 <0.13' },
  parse: parseOptions,
  withAddress,
  describe: (options: ParsedOptions) => ({ address: describeTarget(options) }),
  open: (options, scope) => VaultClient.open(options, scope),
  health: (client) => client.health(),
  ownership,
  reset,
  close: (client) => client.close(),
  handle: (opened, scope) => new VaultHandle(opened, scope),
} satisfies Binding<ParsedOptions, VaultClient, VaultHandle>;

/**
 * A HashiCorp Vault or an OpenBao.
 *
 * @throws QaError QA_CONFIG when the connection opens, naming what is wrong
 * @example
 * vault({ address: fromEnv('VAULT_ADDR'), auth: { approle: { roleId: fromEnv('ROLE_ID'), secretId: fromEnv('SECRET_ID') } } })
 * vault({ server: embedded({ seed: { 'secret/shop/db': { user: 'qa' } } }) })
 */
export function vault(options: VaultOptions): Connection<VaultHandle> {
  return connection(binding, options);
}
