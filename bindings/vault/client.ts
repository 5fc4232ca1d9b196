/** The connection: opened by a token that the server knows, and closed with the leases that it holds. */
import type { Health, Scope } from '../core/binding.ts';
import { clock } from '../core/clock.ts';
import { QaError } from '../core/errors.ts';
import { orAborted } from '../core/operation.ts';
import { type Asked, answerError, isUnknownToken, notVault, type Place } from './errors.ts';
import { hideAll } from './hide.ts';
import { Leases } from './leases.ts';
import { Mounts } from './mounts.ts';
import { type Driver, makeClient, type NodeVaultClient } from './node-vault.ts';
import { describeTarget, type ParsedOptions } from './options.ts';
import { References } from './references.ts';
import { Tokens } from './tokens.ts';
import { type Answer, type Outgoing, Transport } from './transport.ts';

/** Time for one answer, ms. */
export const REQUEST_TIMEOUT = 10_000;

export interface Question {
  /** Sent as JSON. */
  json?: object | undefined;
  signal?: AbortSignal | undefined;
  /** Other statuses than 200 and 204 that are an answer, not an error. */
  accept?: readonly number[];
  /** For errors; default: method and path. */
  asked?: Partial<Asked>;
}

export class VaultClient {
  readonly options: ParsedOptions;
  readonly scope: Scope;
  readonly mounts: Mounts;
  readonly leases: Leases;
  /** Values that the config takes from here. */
  readonly references: References;
  /** As tests use it. */
  readonly client: NodeVaultClient;
  /** Ours: its token is not a test's to change. */
  readonly #own: NodeVaultClient;
  readonly #transport: Transport;
  readonly #tokens: Tokens;

  private constructor(options: ParsedOptions, scope: Scope, driver: Driver) {
    this.options = options;
    this.scope = scope;
    const { ssl, requestTimeout = REQUEST_TIMEOUT, namespace } = options;
    this.#transport = new Transport({ timeout: requestTimeout, ssl, place: () => this.place });
    const address = options.address!;
    const transport = { send: (outgoing: Outgoing) => this.#send(outgoing) };
    this.client = makeClient(driver, {
      address,
      namespace,
      transport: { send: async (outgoing) => this.#hideIn(outgoing, await this.#send(outgoing)) },
    });
    this.#own = makeClient(driver, { address, namespace, transport });
    // Statuses are ours to tell.
    this.#own.handleVaultResponse = (response) => Promise.resolve(response);
    this.#tokens = new Tokens(
      options,
      {
        ask: (method, path, { json, token }) =>
          this.#transport.send({
            method,
            uri: `${address}/v1/${path}`,
            headers: {
              ...(token !== undefined && { 'X-Vault-Token': token }),
              ...(namespace !== undefined && { 'X-Vault-Namespace': namespace }),
            },
            json,
          }),
        place: this.place,
        baseDir: scope.baseDir,
        hide: (secret) => this.hide(secret),
        once: scope.once,
      },
      scope,
    );
    this.mounts = new Mounts(this);
    this.leases = new Leases(this);
    this.references = new References(this);
  }

  /** @throws QaError that says why it could not be opened */
  static async open(options: ParsedOptions, scope: Scope): Promise<VaultClient> {
    const driver = (await scope.driver()) as Driver;
    if (options.address === undefined) {
      throw new QaError('QA_CONFIG', {
        what: 'The connection has no address: its server has not been started',
        mend: 'Give `address`, or `server: embedded()`',
        connection: scope.connection,
      });
    }
    const client = new VaultClient(options, scope, driver);
    try {
      await orAborted(client.#tokens.acquire(), scope.signal);
      client.client.token = client.#tokens.current;
      return client;
    } catch (error) {
      await client.close();
      throw error;
    }
  }

  get place(): Place {
    const { connection, redactor } = this.scope;
    const { hostname } = new URL(this.options.address!);
    return {
      connection,
      address: describeTarget(this.options),
      host: hostname,
      redact: (text) => redactor.redact(text),
    };
  }

  /** The token that is used now. */
  get token(): string {
    return this.#tokens.current;
  }

  /** The token of a throwaway server is no secret. */
  hide(secret: string): void {
    if (this.scope.lease === undefined) this.scope.redactor.add(secret);
  }

  /**
   * One request below /v1/, with the token.
   *
   * @throws QaError for every status but 2xx and those in `accept`
   */
  async ask(method: string, path: string, { json, signal, accept = [], asked }: Question = {}): Promise<Answer> {
    this.#own.token = this.#tokens.current;
    const request = { method, path: `/${path}`, signal, ...(json && { json }) };
    const answer = (await this.#own.request(request)) as Answer;
    const { statusCode, body } = answer;
    const about = { doing: `${method} ${path}`, path, ...asked };
    if (statusCode < 300 && typeof body === 'string' && body !== '') throw notVault(about, this.place);
    if ((statusCode >= 200 && statusCode < 300) || accept.includes(statusCode)) return answer;
    throw answerError(answer, about, this.place);
  }

  async health(): Promise<Health> {
    const start = clock().now();
    const { body } = await this.ask('GET', 'sys/health', {
      accept: [429, 472, 473],
      asked: { doing: 'Asking for its health' },
    });
    const latency = clock().now() - start;
    const { version } = body as { version: string };
    const { displayName, policies } = this.#tokens.facts;
    return { version, latency, identity: `${displayName}${policies.length ? ` with ${policies.join(', ')}` : ''}` };
  }

  /** Idempotent; leases are given back, within a bound. */
  async close(): Promise<void> {
    this.#tokens.close();
    try {
      await this.leases.close();
    } finally {
      this.#transport.close();
    }
  }

  /** What a test reads past `secret()` is no less secret, and so are the tokens that it gets. */
  #hideIn({ method, uri }: Outgoing, answer: Answer): Answer {
    if (typeof answer.body !== 'object' || answer.body === null) return answer;
    const { data, auth, wrap_info } = answer.body as Secrets;
    for (const token of [auth?.client_token, wrap_info?.token]) if (token) this.hide(token);
    // Of names, policies and mounts texts must be able to tell.
    if (method === 'LIST' || /^\/v1\/(sys|auth)\//.test(new URL(uri).pathname)) return answer;
    hideAll(data?.data ?? data, (secret) => this.scope.redactor.add(secret));
    return answer;
  }

  /** A token of ours that has expired is replaced once; one that a test has put in is the test's affair. */
  async #send(outgoing: Outgoing): Promise<Answer> {
    const answer = await this.#transport.send(outgoing);
    const token = outgoing.headers?.['X-Vault-Token'];
    if (!isUnknownToken(answer.statusCode, answer.body) || token === undefined) return answer;
    const isOurs = token === this.#tokens.current || token === this.#lastOwn;
    if (!isOurs) return answer;
    this.#lastOwn = token;
    if (!(await this.#tokens.replace(token))) return answer;
    if (this.client.token === token) this.client.token = this.#tokens.current;
    return this.#transport.send({
      ...outgoing,
      headers: { ...outgoing.headers, 'X-Vault-Token': this.#tokens.current },
    });
  }

  /** The token before the one that is used now: requests that were under way may have it. */
  #lastOwn: string | undefined;
}

/** Where an answer of the server holds what is secret. */
interface Secrets {
  data?: { data?: unknown } | null;
  auth?: { client_token?: string } | null;
  wrap_info?: { token?: string } | null;
}
