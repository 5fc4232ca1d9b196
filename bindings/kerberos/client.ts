/** What is open of one Kerberos connection: a private folder with its tickets, and the helper that GSSAPI runs in. */
import type { Scope } from '../core/binding.ts';
import { clock } from '../core/clock.ts';
import { isQaError, QaError } from '../core/errors.ts';
import { orAborted } from '../core/operation.ts';
import type { HelperRequest, InitializeOptions } from './child/protocol.ts';
import { RemoteContext } from './context.ts';
import { type Doing, kerberosError, silentKdc } from './errors.ts';
import { Helper } from './helper.ts';
import type { ParsedOptions } from './options.ts';
import { isSourceUnchanged, type Place, preparePlace } from './place.ts';

export class KerberosClient {
  readonly options: ParsedOptions;
  readonly place: Place;
  readonly #module: string;
  readonly #helpers = new Set<Helper>();
  /** Those that are in use, to be given back with the file. */
  readonly #contexts = new Set<RemoteContext>();
  #helper: Helper | undefined;
  #principal: string | undefined;
  #isClosed = false;

  /** @throws QaError */
  static async open(options: ParsedOptions, scope: Scope): Promise<KerberosClient> {
    const module = (await scope.driver()) as string;
    const client = new KerberosClient(module, options, preparePlace(options, scope));
    try {
      await client.#begin(scope.signal);
      return client;
    } catch (error) {
      client.close();
      throw error;
    }
  }

  private constructor(module: string, options: ParsedOptions, place: Place) {
    this.#module = module;
    this.options = options;
    this.place = place;
  }

  /** Whose tickets they are; undefined while nobody but GSSAPI knows. */
  get principal(): string | undefined {
    return this.place.tickets()?.principal ?? this.place.principal ?? this.#principal;
  }

  /** ms since 1970. */
  get expiresAt(): number | undefined {
    return this.place.tickets()?.expiresAt;
  }

  /**
   * A context for a service, and its first token.
   *
   * @param service `HTTP@api.example.test`
   */
  async begin(
    service: string,
    options: InitializeOptions,
    signal?: AbortSignal,
  ): Promise<{ context: RemoteContext; token: string }> {
    const context = await this.context(service, options, signal);
    try {
      return { context, token: await context.step('', undefined, signal) };
    } catch (error) {
      this.free(context);
      throw error;
    }
  }

  /** A context for a service, with which nothing has been done yet. */
  async context(service: string, options: InitializeOptions = {}, signal?: AbortSignal): Promise<RemoteContext> {
    const name = serviceName(service, this.place);
    const doing = { what: `Getting a ticket for \`${name}\``, service: name };
    const helper = this.#running();
    const id = await this.#ask<number>(helper, { op: 'initialize', service: name, options }, doing, signal);
    const context = new RemoteContext(name, helper, id, (...call) => this.#ask(...call));
    this.#contexts.add(context);
    return context;
  }

  free(context: RemoteContext): void {
    this.#contexts.delete(context);
    context.free();
  }

  /** One round trip to the KDC: it is asked for a service that nobody has. */
  async probe(signal?: AbortSignal): Promise<void> {
    const doing = { what: 'Asking the KDC', service: NOBODY };
    const helper = this.#running();
    const context = await this.#ask<number>(helper, { op: 'initialize', service: NOBODY, options: {} }, doing, signal);
    try {
      await this.#ask(helper, { op: 'step', context, challenge: '' }, doing, signal);
    } catch (error) {
      if (!isQaError(error) || error.code !== 'QA_NOT_FOUND') throw error;
    }
  }

  version(signal?: AbortSignal): Promise<string> {
    return this.#ask(this.#running(), { op: 'version' }, { what: 'Asking for its version' }, signal);
  }

  /**
   * Forgets what a file has begun. False: the tickets that it was opened with are no longer those that are there, or no
   * helper is left, which would take the folder away when this process ends.
   */
  renew(): boolean {
    for (const context of this.#contexts) this.free(context);
    return this.#helper?.isRetired === false && isSourceUnchanged(this.place);
  }

  /** Ends all calls at once and takes the tickets away. Idempotent. */
  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    for (const helper of this.#helpers) helper.kill();
    this.place.remove();
  }

  /** Gets the first ticket, or sees that the KDC takes the one that is there. */
  async #begin(signal: AbortSignal): Promise<void> {
    if (this.place.keytab === undefined) {
      if (this.place.source?.file === undefined || this.expiresAt !== undefined) await this.probe(signal);
      return;
    }
    const helper = this.#running();
    const doing = { what: `Getting a ticket of \`${this.place.principal}\`` };
    // Which service does not matter: the module gets the principal's own ticket first, before it is asked for another.
    await this.#ask(helper, { op: 'initialize', service: NOBODY, options: {} }, doing, signal);
  }

  /** Ends with `requestTimeout` at the latest, however long GSSAPI would wait. */
  async #ask<T>(helper: Helper, request: HelperRequest, doing: Doing, signal: AbortSignal | undefined): Promise<T> {
    const { requestTimeout } = this.options;
    const late = new AbortController();
    const { setTimeout, clearTimeout } = clock();
    const abort = () => late.abort(isQaError(signal?.reason) ? signal.reason : silentKdc(this.place, doing));
    if (signal?.aborted) abort();
    else signal?.addEventListener('abort', abort, { once: true });
    let timer: NodeJS.Timeout | undefined;
    try {
      await orAborted(helper.ready, late.signal);
      timer = setTimeout(() => late.abort(silentKdc(this.place, doing, requestTimeout)), requestTimeout);
      return await helper.call<T>(request, late.signal);
    } catch (error) {
      throw kerberosError(error, this.place, doing);
    } finally {
      clearTimeout(timer);
      signal?.removeEventListener('abort', abort);
    }
  }

  /** The helper, or another one where the last is gone or hangs. */
  #running(): Helper {
    if (this.#helper && !this.#helper.isRetired) return this.#helper;
    this.#helper = new Helper(this.#module, this.place);
    this.#helpers.add(this.#helper);
    return this.#helper;
  }
}

const NOBODY = 'qa-jest-preset@localhost';

/** As GSSAPI takes it. */
function serviceName(given: string, { connection, address }: Place): string {
  const fail = (what: string, mend: string) => new QaError('QA_MISUSE', { what, mend, connection, address });
  if (typeof given !== 'string' || given === '')
    throw fail('The name of a service must be a text', 'Write it with its host: HTTP@api.example.test');
  const [, kind, host, realm] = /^([^/@]+)[/@]([^/@]+)(?:@(.+))?$/.exec(given) ?? [];
  if (kind === undefined)
    throw fail(`\`${given}\` is no name of a service`, 'Write it with its host: HTTP@api.example.test');
  if (realm !== undefined)
    throw fail(
      `\`${given}\` names a realm, which GSSAPI takes from [domain_realm] of krb5.conf, or from the KDC`,
      `Write \`${kind}@${host}\``,
    );
  return `${kind}@${host}`;
}
