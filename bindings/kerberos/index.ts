/** Kerberos, through the native module `kerberos` (GSSAPI), in a process of its own. */
import type { Binding, Health } from '../core/binding.ts';
import { clock } from '../core/clock.ts';
import { type Connection, connection } from '../core/connection.ts';
import { KerberosClient } from './client.ts';
import { KerberosHandle } from './handle.ts';
import { describeTarget, type KerberosOptions, type ParsedOptions, parseOptions, withAddress } from './options.ts';

export type { InitializeOptions } from './child/protocol.ts';
export type { KerberosContext, KerberosHandle, KerberosModule, TokenOptions } from './handle.ts';
export type { HttpResponse, NegotiateHeaders } from './negotiate.ts';
export type { KerberosOptions } from './options.ts';

export const binding = {
  kind: 'kerberos',
  driver: {
    name: 'kerberos',
    range: '>=2.2 <8',
    inChild: true,
    requires:
      'It is compiled on installing, which needs the libraries of Kerberos and a compiler: on Debian apt-get install libkrb5-dev make g++ python3',
  },
  parse: parseOptions,
  withAddress,
  describe: (options: ParsedOptions) => ({ address: describeTarget(options) }),
  open: KerberosClient.open,
  close: async (client) => client.close(),
  renew: async (client) => client.renew(),
  health,
  handle: (opened, scope) => new KerberosHandle(opened, scope),
} satisfies Binding<ParsedOptions, KerberosClient, KerberosHandle>;

/**
 * A principal of a Kerberos realm: its tickets, for services that ask for them. They are got with a keytab, or are those
 * that kinit has got, and live in a private place while the tests run.
 *
 * @throws QaError QA_CONFIG when the config is loaded or the connection opens, naming what is wrong
 * @example
 * kerberos({ principal: 'qa@EXAMPLE.TEST', keytab: './qa.keytab' })
 * kerberos({ principal: 'qa@EXAMPLE.TEST', keytab: './qa.keytab', kdc: 'kdc.example.test:88' })
 */
export function kerberos(options: KerberosOptions = {}): Connection<KerberosHandle> {
  return connection(binding, options);
}

async function health(client: KerberosClient): Promise<Health> {
  const version = await client.version();
  const start = clock().now();
  await client.probe();
  return { version, latency: clock().now() - start, identity: client.principal ?? 'whose cache it is' };
}
