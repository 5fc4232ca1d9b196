/** SPNEGO over HTTP (RFC 4559): the header of a request, and the proof in the answer to it. */
import { QaError } from '../core/errors.ts';
import type { KerberosClient } from './client.ts';
import type { RemoteContext } from './context.ts';

/** A request's headers, for `fetch` and all that take an object. (An interface would not do as a record.) */
export type NegotiateHeaders = { authorization: string };

/** An answer, as `fetch`, `node:http` and most clients give it. */
export interface HttpResponse {
  readonly status?: number | undefined;
  readonly statusCode?: number | undefined;
  readonly url?: string | undefined;
  readonly headers: { get(name: string): string | null } | Readonly<Record<string, unknown>>;
}

/** So many contexts are kept for answers that nobody has verified yet. */
const MOST = 1000;

/** The contexts of one file that wait for the answers to their requests. */
export class Negotiations {
  /** By the header's value, which is unique: it survives whatever is done with the object that held it. */
  readonly #waiting = new Map<string, RemoteContext>();

  async headers(client: KerberosClient, service: string, signal?: AbortSignal): Promise<NegotiateHeaders> {
    const { context, token } = await client.begin(service, { mechOID: SPNEGO }, signal);
    const authorization = `Negotiate ${token}`;
    this.#waiting.set(authorization, context);
    if (this.#waiting.size > MOST) {
      const [oldest, dropped] = this.#waiting.entries().next().value!;
      this.#waiting.delete(oldest);
      client.free(dropped);
    }
    return { authorization };
  }

  /** @throws QaError QA_AUTH where the server is not who it should be; QA_MISUSE where nobody knows which request it is for */
  async verify(
    client: KerberosClient,
    response: HttpResponse,
    headers: object | undefined,
    signal?: AbortSignal,
  ): Promise<void> {
    const [authorization, context] = this.#find(client, response, headers);
    const { service } = context;
    const { place } = client;
    const fail = (what: string, mend: string) =>
      new QaError('QA_AUTH', { what, mend, connection: place.connection, address: place.address });
    const status = response.status ?? response.statusCode;
    const proof = proofIn(response);
    if (proof === undefined && status === 401)
      throw fail(
        `\`${service}\` did not accept the ticket of \`${client.principal}\`: it answered 401 without a word of its own`,
        'See its log: whether its keytab holds the key that the KDC has for it, and whether the host in the name is the one that it is registered with',
      );
    if (proof === undefined)
      throw fail(
        `\`${service}\` answered without proving who it is: there is no \`WWW-Authenticate: Negotiate …\` in the answer${status === undefined ? '' : ` (status ${status})`}`,
        'See whether it is the server that is meant, and whether it is set up for mutual authentication',
      );
    await context.step(proof, `Verifying the answer of \`${service}\``, signal);
    if (!context.state.isComplete)
      throw fail(
        `\`${service}\` answered with a token that does not end the exchange`,
        'See whether the server speaks Kerberos: with NTLM there is no proof',
      );
    this.#waiting.delete(authorization);
    client.free(context);
  }

  #find({ place }: KerberosClient, response: HttpResponse, headers: object | undefined): [string, RemoteContext] {
    const fail = (what: string, mend: string) =>
      new QaError('QA_MISUSE', { what, mend, connection: place.connection, address: place.address });
    if (typeof response !== 'object' || response === null || typeof response.headers !== 'object')
      throw fail('`verify` takes an answer with headers, such as that of `fetch`', 'Give it `await fetch(…)`');
    const given = headers === undefined ? undefined : headerOf(headers, 'authorization');
    if (headers !== undefined) {
      const context = this.#waiting.get(given ?? '');
      if (context) return [given!, context];
      throw fail(
        'These headers are not of a request whose answer is still to be verified: each can be verified once, in the file that made it',
        'Give the headers that `negotiate` gave for this very request',
      );
    }
    const host = hostOf(response);
    const fitting = [...this.#waiting].filter(([, { service }]) => host === undefined || service.endsWith(`@${host}`));
    const found = fitting.length > 0 ? fitting : [...this.#waiting];
    if (found.length === 1) return found[0]!;
    throw fail(
      found.length === 0
        ? 'There is no request whose answer is still to be verified'
        : `This may be the answer to any of ${found.length} requests`,
      'Give the headers of its request, too: `verify(response, headers)`, with what `negotiate` gave',
    );
  }
}

/** GSS_MECH_OID_SPNEGO of the module. */
export const SPNEGO = 6;

/** Of several challenges in one header, the token of ours. */
function proofIn({ headers }: HttpResponse): string | undefined {
  return /(?:^|[\s,])Negotiate\s+([\w+/=-]+)/i.exec(headerOf(headers, 'www-authenticate') ?? '')?.[1];
}

function headerOf(headers: object, name: string): string | undefined {
  if ('get' in headers && typeof headers.get === 'function') return headers.get(name) ?? undefined;
  const key = Object.keys(headers).find((key) => key.toLowerCase() === name);
  const value: unknown = key === undefined ? undefined : (headers as Record<string, unknown>)[key];
  return value === undefined || value === null ? undefined : String(value);
}

function hostOf({ url }: HttpResponse): string | undefined {
  return url !== undefined && URL.canParse(url) ? new URL(url).hostname : undefined;
}
