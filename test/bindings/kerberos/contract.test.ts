import { test } from 'vitest';
import type { Binding } from '../../../bindings/core/binding.ts';
import type { KerberosClient } from '../../../bindings/kerberos/client.ts';
import { binding, type KerberosHandle } from '../../../bindings/kerberos/index.ts';
import { hasKerberos, KERBEROS_MODULE, startKdc } from '../../support/kdc.ts';
import { freePort } from '../../support/postgres.ts';
import { bindingContract } from '../contract.ts';

/** The KDC is asked once for each service: its ticket is kept. */
const SERVICES = Array.from({ length: 40 }, (_, index) => `touch${index}`);

if (!hasKerberos()) test.skip('no KDC is here', () => undefined);
else
  bindingContract('kerberos', {
    binding: binding as unknown as Binding<object, KerberosClient, KerberosHandle>,
    driver: KERBEROS_MODULE,
    misspelt: { wrong: 'keytap', right: 'keytab' },
    wrongType: { input: { requestTimeout: '5' }, path: 'requestTimeout' },
    async start() {
      const kdc = await startKdc();
      const principal = `qa@${kdc.realm}`;
      const keytab = kdc.keytab('qa.keytab', ['qa']);
      kdc.keytab(
        'services.keytab',
        SERVICES.map((name) => `${name}/localhost`),
      );
      const old = kdc.keytab('old.keytab', ['old']);
      kdc.admin('cpw -randkey old');
      const good = { principal, keytab, kdc: kdc.address };
      const left = [...SERVICES];
      return {
        good,
        secrets: [],
        wrongPassword: { ...good, principal: `old@${kdc.realm}`, keytab: old },
        refused: { ...good, kdc: `127.0.0.1:${await freePort()}` },
        address: kdc.address,
        touch: (handle) => handle.token(`${left.shift()}@localhost`),
        getters: [(handle) => handle.client, (handle) => handle.principal, (handle) => handle.expiresAt],
        freeze: kdc.freeze,
        thaw: kdc.thaw,
        crash: kdc.crash,
        restart: kdc.start,
        [Symbol.asyncDispose]: () => kdc.stop(),
      };
    },
  });
