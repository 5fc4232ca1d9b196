/** The token of a connection: got once a run, renewed while a file runs, and got anew when the server knows it no longer. */
import type { Scope } from '../core/binding.ts';
import { clock } from '../core/clock.ts';
import { givenToken, type LoginContext, logIn, loginKey } from './auth.ts';
import { answerError, isUnknownToken } from './errors.ts';
import type { ParsedOptions } from './options.ts';
import type { Answer } from './transport.ts';

/** What the server says of a token. */
export interface TokenFacts {
  displayName: string;
  policies: readonly string[];
  /** s; 0: for ever. Undefined where the token may not look itself up. */
  ttl: number | undefined;
  isRenewable: boolean;
}

/** Renewed after this part of its time. */
const RENEW_AT = 2 / 3;
/** Never more often, ms. */
const SHORTEST_PAUSE = 500;
/** What a timer can hold, ms. */
const LONGEST_PAUSE = 2 ** 31 - 1;
/** Logins of one run that have expired one after another: more of them is a server that refuses its own tokens. */
const MOST_LOGINS = 1000;

export class Tokens {
  readonly #options: ParsedOptions;
  readonly #context: LoginContext;
  readonly #scope: Scope;
  #token = '';
  #facts: TokenFacts | undefined;
  /** How many logins of this run the server knows no longer. */
  #spent = 0;
  #replacing: Promise<boolean> | undefined;
  #timer: NodeJS.Timeout | undefined;
  #isClosed = false;

  constructor(options: ParsedOptions, context: LoginContext, scope: Scope) {
    this.#options = options;
    this.#context = context;
    this.#scope = scope;
  }

  get current(): string {
    return this.#token;
  }

  get facts(): TokenFacts {
    return this.#facts!;
  }

  /** @throws QaError QA_AUTH, QA_CONFIG, and what the network says */
  async acquire(): Promise<void> {
    const { auth } = this.#options;
    if (auth === undefined || auth.method === 'token') {
      const token = await givenToken(auth, this.#context.place);
      const answer = await this.#take(token);
      if (answer) throw answerError(answer, LOOKING_UP, this.#context.place);
      return;
    }
    for (; ; this.#spent += 1) {
      let isNew = false;
      const { token } = await this.#scope.once(`vault login ${loginKey(this.#options)} ${this.#spent}`, () => {
        isNew = true;
        const work = () => logIn(auth, this.#options, this.#context);
        return this.#scope.trace('log in', { method: auth.method }, work);
      });
      const answer = await this.#take(token);
      if (answer === undefined) return;
      // One that somebody else made, long ago, may have expired since; what else ails the server is told.
      const isSpent = isUnknownToken(answer.statusCode, answer.body);
      if (isNew || !isSpent || this.#spent > MOST_LOGINS) throw answerError(answer, LOOKING_UP, this.#context.place);
    }
  }

  /**
   * Another token in place of one that the server knows no longer; once, whoever asks meanwhile.
   *
   * @returns false where there is no way to get one
   */
  replace(bad: string): Promise<boolean> {
    const { auth } = this.#options;
    if (auth === undefined || auth.method === 'token') return Promise.resolve(false);
    if (bad !== this.#token) return Promise.resolve(true);
    this.#spent += this.#replacing ? 0 : 1;
    this.#replacing ??= this.acquire()
      .then(() => true)
      .finally(() => {
        this.#replacing = undefined;
      });
    return this.#replacing;
  }

  close(): void {
    this.#isClosed = true;
    clock().clearTimeout(this.#timer);
  }

  /** Undefined: the server knows the token. Else what it answered. */
  async #take(token: string): Promise<Answer | undefined> {
    this.#context.hide(token);
    const answer = await this.#context.ask('GET', 'auth/token/lookup-self', { token });
    const { statusCode, body } = answer;
    if (statusCode === 403 && isUnknownToken(statusCode, body)) return answer;
    // One that may do other things, but not look itself up, is as good.
    if (statusCode !== 200 && statusCode !== 403) return answer;
    this.#token = token;
    this.#facts = factsOf(statusCode === 200 ? body : undefined);
    this.#renewLater(this.#facts);
    return undefined;
  }

  #renewLater({ ttl, isRenewable }: Pick<TokenFacts, 'ttl' | 'isRenewable'>): void {
    const { setTimeout, clearTimeout } = clock();
    clearTimeout(this.#timer);
    if (this.#isClosed || !isRenewable || !ttl) return;
    const pause = Math.min(Math.max(ttl * 1000 * RENEW_AT, SHORTEST_PAUSE), LONGEST_PAUSE);
    this.#timer = setTimeout(() => void this.#renew(ttl), pause);
    this.#timer.unref();
  }

  /** What ails a renewal is told by the first request that the token is refused for. */
  async #renew(before: number): Promise<void> {
    const token = this.#token;
    const answer = await this.#context.ask('POST', 'auth/token/renew-self', { token, json: {} }).catch(() => undefined);
    if (this.#isClosed || token !== this.#token) return;
    const { auth } = (answer?.body ?? {}) as { auth?: { lease_duration?: number; renewable?: boolean } | null };
    // The server did not answer now: what is left is a third of its time.
    if (!auth) {
      this.#scope.log.warn({ ttl: before }, 'the token could not be renewed');
      this.#renewLater({ ttl: (before * (1 - RENEW_AT)) / 2, isRenewable: before > 1 });
    } else this.#renewLater({ ttl: auth.lease_duration, isRenewable: auth.renewable === true });
  }
}

const LOOKING_UP = { doing: 'Looking up the token', path: 'auth/token/lookup-self' };

function factsOf(body: unknown): TokenFacts {
  const { data } = (body ?? {}) as { data?: Record<string, unknown> };
  return {
    displayName: String(data?.display_name ?? 'a token that may not look itself up'),
    policies: Array.isArray(data?.policies) ? data.policies.map(String) : [],
    ttl: typeof data?.ttl === 'number' ? data.ttl : undefined,
    isRenewable: data?.renewable === true,
  };
}
