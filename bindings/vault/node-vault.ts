/** The real node-vault, without what of it would wait for ever, leak or surprise. */
import type NodeVault from 'node-vault';
import type { Outgoing, Transport } from './transport.ts';

/** node-vault's module. */
export type Driver = typeof NodeVault;
export type NodeVaultClient = NodeVault.client;

export interface ClientOptions {
  address: string;
  namespace: string | undefined;
  transport: Pick<Transport, 'send'>;
}

type Response = Parameters<NodeVaultClient['handleVaultResponse']>[0];
type Request = NodeVault.RequestOption & { headers?: Record<string, string>; signal?: AbortSignal };

/** A client that sends through `transport`; its token is set by whoever makes it. */
export function makeClient(driver: Driver, { address, namespace, transport }: ClientOptions): NodeVaultClient {
  const client = driver({
    endpoint: address,
    // It would print what is sent, secrets and all, where DEBUG names it.
    debug: () => undefined,
    // The place where it takes another way to send than its own.
    'request-promise': { defaults: () => (request: Outgoing) => transport.send(request) },
  }) as NodeVaultClient & { namespace: string | undefined; pathPrefix: string };
  // What it reads from the environment where an option is empty: the config alone says whom we are and where.
  client.token = '';
  client.namespace = namespace;
  client.pathPrefix = '';
  const { handleVaultResponse, request } = client;
  // It takes 200 and 204 only for a success.
  client.handleVaultResponse = (response: Response) => {
    const { statusCode = 0, body } = response ?? {};
    return statusCode >= 200 && statusCode < 300 ? Promise.resolve(body) : handleVaultResponse(withWarnings(response));
  };
  // It writes the token into the headers that it is given, and one object may be given to many calls.
  client.request = (given: Request) => request({ ...given, headers: { ...given?.headers } });
  return client;
}

/** A path of the first version on a mount of the second is told in a warning only; node-vault shows errors. */
function withWarnings(response: Response): Response {
  const { errors, warnings } = (response?.body ?? {}) as { errors?: string[]; warnings?: string[] };
  if (response === undefined || errors?.length || !warnings?.length) return response;
  return { ...response, body: { ...response.body, errors: warnings } };
}
