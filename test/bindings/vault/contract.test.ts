import { describe } from 'vitest';
import type { Binding } from '../../../bindings/core/binding.ts';
import type { VaultClient } from '../../../bindings/vault/client.ts';
import { binding, type VaultHandle } from '../../../bindings/vault/index.ts';
import { freePort } from '../../support/postgres.ts';
import { PROGRAM, ROOT_TOKEN, startVault } from '../../support/vault.ts';
import { bindingContract } from '../contract.ts';

describe.skipIf(PROGRAM === undefined)('the contract', () => {
  bindingContract('vault', {
    binding: binding as unknown as Binding<object, VaultClient, VaultHandle>,
    misspelt: { wrong: 'adress', right: 'address' },
    wrongType: { input: { requestTimeout: '5' }, path: 'requestTimeout' },
    async start() {
      const server = await startVault();
      const good = { address: server.address, auth: { token: ROOT_TOKEN } };
      return {
        good,
        secrets: [ROOT_TOKEN, 'not-the-right-token'],
        wrongPassword: { ...good, auth: { token: 'not-the-right-token' } },
        refused: { ...good, address: `http://127.0.0.1:${await freePort()}` },
        address: server.address,
        touch: (handle) => handle.client.read('sys/mounts'),
        getters: [
          (handle) => handle.client,
          (handle) => handle.url,
          (handle) => handle.token,
          (handle) => handle.driver,
        ],
        freeze: server.freeze,
        thaw: server.thaw,
        crash: server.crash,
        restart: server.start,
        [Symbol.asyncDispose]: () => server.stop(),
      };
    },
  });
});
