/** A security context, which lives in the helper process. */
import type { ContextState, HelperRequest } from './child/protocol.ts';
import type { Doing } from './errors.ts';
import type { Helper } from './helper.ts';

/** Calls a helper, ends the call in time, and tells its failure. */
export type Ask = <T>(
  helper: Helper,
  request: HelperRequest,
  doing: Doing,
  signal: AbortSignal | undefined,
) => Promise<T>;

export class RemoteContext {
  /** `HTTP@api.example.test` */
  readonly service: string;
  state: ContextState = { response: '', responseConf: 0, isComplete: false, username: null };
  readonly #helper: Helper;
  readonly #id: number;
  readonly #ask: Ask;
  #isFree = false;

  constructor(service: string, helper: Helper, id: number, ask: Ask) {
    this.service = service;
    this.#helper = helper;
    this.#id = id;
    this.#ask = ask;
  }

  /** @param challenge base64 of what the other side said; empty at first, which gets a ticket where there is none */
  step(challenge: string, what = this.#ticket, signal?: AbortSignal): Promise<string> {
    return this.#call({ op: 'step', context: this.#id, challenge }, what, signal);
  }

  wrap(data: string, options: { protect?: boolean; user?: string } = {}, signal?: AbortSignal): Promise<string> {
    return this.#call({ op: 'wrap', context: this.#id, data, options }, `Wrapping for \`${this.service}\``, signal);
  }

  unwrap(data: string, signal?: AbortSignal): Promise<string> {
    return this.#call({ op: 'unwrap', context: this.#id, data }, `Unwrapping what \`${this.service}\` said`, signal);
  }

  /** Gives it back; nobody waits for that. Idempotent. */
  free(): void {
    if (this.#isFree) return;
    this.#isFree = true;
    // Where the process is gone, so is the context.
    this.#helper.call({ op: 'free', context: this.#id }, NEVER).catch(() => undefined);
  }

  get #ticket(): string {
    return `Getting a ticket for \`${this.service}\``;
  }

  async #call(request: HelperRequest, what: string, signal: AbortSignal | undefined): Promise<string> {
    const doing = { what, service: this.service };
    this.state = await this.#ask<ContextState>(this.#helper, request, doing, signal);
    return this.state.response;
  }
}

const NEVER = new AbortController().signal;
