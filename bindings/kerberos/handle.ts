/** What tests see as `qa.<name>`. */
import type { Opened, Scope } from '../core/binding.ts';
import { teller, withinTest } from '../core/operation.ts';
import type { InitializeOptions } from './child/protocol.ts';
import type { KerberosClient } from './client.ts';
import type { RemoteContext } from './context.ts';
import { kerberosError } from './errors.ts';
import { type HttpResponse, type NegotiateHeaders, Negotiations, SPNEGO } from './negotiate.ts';
import type { ParsedOptions } from './options.ts';

/** The part of the module `kerberos` that a client needs: its calls run in the helper process. */
export interface KerberosModule {
  /** A context for a service, as the module gives it. */
  initializeClient(service: string, options?: InitializeOptions): Promise<KerberosContext>;
}

/** A `KerberosClient` of the module `kerberos`, which lives in the helper process. */
export interface KerberosContext {
  /** Who we are; null until the context is complete. */
  readonly username: string | null;
  /** base64 of the last answer. */
  readonly response: string;
  /** 1: what `unwrap` gave was encrypted. */
  readonly responseConf: number;
  /** Whether this side is done. */
  readonly contextComplete: boolean;
  /** @param challenge base64 of what the other side said; empty at first */
  step(challenge: string): Promise<string>;
  /** @param data base64 */
  wrap(data: string, options?: { protect?: boolean; user?: string }): Promise<string>;
  /** @param data base64 */
  unwrap(data: string): Promise<string>;
}

export interface TokenOptions {
  /** `spnego` wraps it as HTTP's Negotiate wants it. Default: `kerberos`. */
  mechanism?: 'kerberos' | 'spnego';
}

export class KerberosHandle {
  readonly #opened: () => Opened<ParsedOptions, KerberosClient>;
  readonly #scope: Scope;
  readonly #negotiations = new Negotiations();

  constructor(opened: () => Opened<ParsedOptions, KerberosClient>, scope: Scope) {
    this.#opened = opened;
    this.#scope = scope;
  }

  /**
   * What the module `kerberos` offers to clients, with the tickets of this connection. It runs in a process of its own,
   * so the objects are not the module's, but do the same.
   *
   * @example
   * const context = await qa.krb.client.initializeClient('ldap@dir.example.test');
   * const token = await context.step('');
   */
  get client(): KerberosModule {
    const client = this.#opened().client;
    const initializeClient: KerberosModule['initializeClient'] = (service, options) =>
      this.#run(initializeClient, 'context', service, async (signal) =>
        this.#exposed(await client.context(service, options, signal)),
      );
    return { initializeClient };
  }

  /** Whose tickets they are: `qa@EXAMPLE.TEST`. Undefined only while a cache that is no file has not been used. */
  get principal(): string | undefined {
    return this.#opened().client.principal;
  }

  /** When the principal's ticket ends; it is renewed before, where there is a keytab. Undefined: nobody tells. */
  get expiresAt(): Date | undefined {
    const { expiresAt } = this.#opened().client;
    return expiresAt === undefined ? undefined : this.#scope.adopt(new Date(expiresAt));
  }

  /**
   * A token for a service, base64: what a client sends first. The service may take it once.
   *
   * @param service `kafka@broker.example.test`
   * @throws QaError QA_NOT_FOUND for a service that the KDC does not know; QA_AUTH, QA_CONNECTION_LOST, QA_TIMEOUT
   * @example
   * const token = await qa.krb.token('HTTP@api.example.test', { mechanism: 'spnego' });
   */
  token(service: string, { mechanism = 'kerberos' }: TokenOptions = {}): Promise<string> {
    const { client } = this.#opened();
    const options = mechanism === 'spnego' ? { mechOID: SPNEGO } : {};
    return this.#run(this.token, 'token', service, async (signal) => {
      const { context, token } = await client.begin(service, options, signal);
      client.free(context);
      return token;
    });
  }

  /**
   * The headers of a request to a service (SPNEGO), for one request.
   *
   * @param service `HTTP@` and the host as clients call it
   * @throws QaError as `token`
   * @example
   * const headers = await qa.krb.negotiate('HTTP@api.example.test');
   * const response = await fetch('http://api.example.test/orders', { headers });
   * await qa.krb.verify(response, headers);
   */
  negotiate(service: string): Promise<NegotiateHeaders> {
    const { client } = this.#opened();
    return this.#run(this.negotiate, 'negotiate', service, async (signal) =>
      this.#scope.adopt(await this.#negotiations.headers(client, service, signal)),
    );
  }

  /**
   * Checks that an answer comes from the service that the request was meant for (mutual authentication). Which request it
   * answers follows from the headers that `negotiate` gave; they may be left out while only one answer of that host is
   * still to be verified.
   *
   * @throws QaError QA_AUTH where the service did not accept the ticket, or does not prove who it is
   */
  verify(response: HttpResponse, headers?: object): Promise<void> {
    const { client } = this.#opened();
    return this.#run(this.verify, 'verify', undefined, (signal) =>
      this.#negotiations.verify(client, response, headers, signal),
    );
  }

  async #run<T>(
    caller: (...args: never[]) => unknown,
    operation: string,
    service: string | undefined,
    work: (signal: AbortSignal | undefined) => Promise<T>,
  ): Promise<T> {
    const { trace, adopt } = this.#scope;
    const { place } = this.#opened().client;
    const what = service === undefined ? 'Verifying the answer' : `Getting a ticket for \`${service}\``;
    const tell = teller(caller, (error) => kerberosError(error, place, { what }), adopt);
    try {
      return await withinTest(
        (signal) => trace(operation, service === undefined ? {} : { service }, () => work(signal)),
        () => ({
          what: `${what} did not end before the time of the test was up: the KDC${place.kdcs.length > 0 ? ` at ${place.kdcs.join(', ')}` : ''} does not answer`,
          mend: 'See whether it hangs, or give the test more time',
          connection: place.connection,
          address: place.address,
        }),
      );
    } catch (error) {
      throw tell(error);
    }
  }

  #exposed(context: RemoteContext): KerberosContext {
    const { service } = context;
    const exposed: KerberosContext = {
      get username() {
        return context.state.username;
      },
      get response() {
        return context.state.response;
      },
      get responseConf() {
        return context.state.responseConf;
      },
      get contextComplete() {
        return context.state.isComplete;
      },
      step: (challenge) =>
        this.#run(exposed.step, 'step', service, (signal) => context.step(challenge, undefined, signal)),
      wrap: (data, options) =>
        this.#run(exposed.wrap, 'wrap', service, (signal) => context.wrap(data, options, signal)),
      unwrap: (data) => this.#run(exposed.unwrap, 'unwrap', service, (signal) => context.unwrap(data, signal)),
    };
    return exposed;
  }
}
