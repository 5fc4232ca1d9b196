import type { Scope } from '../../../bindings/core/binding.ts';
import type { QaError } from '../../../bindings/core/errors.ts';
import type { KerberosClient } from '../../../bindings/kerberos/client.ts';
import { binding, type KerberosHandle } from '../../../bindings/kerberos/index.ts';
import { KERBEROS_MODULE } from '../../support/kdc.ts';
import { openBinding } from '../../support/scope.ts';

export interface OpenKerberos extends AsyncDisposable {
  client: KerberosClient;
  krb: KerberosHandle;
  scope: Scope;
}

/** Opens a connection `krb` as the session does. */
export async function open(input: object, changes: Partial<Scope> = {}): Promise<OpenKerberos> {
  const { client, handle, scope } = await openBinding(binding, input, {
    connection: 'krb',
    driver: async () => KERBEROS_MODULE,
    ...changes,
  });
  return { client, krb: handle, scope, [Symbol.asyncDispose]: () => binding.close(client) };
}

/** The error that `work` ends with; a connection that opens all the same is closed. */
export async function failure(work: Promise<unknown>): Promise<QaError> {
  const result = await work.then(
    (value) => ({ value }),
    (error: QaError) => ({ error }),
  );
  if ('error' in result) return result.error;
  await (result.value as Partial<AsyncDisposable> | undefined)?.[Symbol.asyncDispose]?.();
  throw new Error('It did not fail.');
}
