/**
 * A process's line to its run's keeper: one socket, made on the first demand, which keeps the process alive
 * only while an answer is awaited.
 */
import { connect, type Socket } from 'node:net';
import { isQaError } from '../bindings/core/errors.ts';
import { orAborted } from '../bindings/core/operation.ts';
import {
  Failed,
  type Failure,
  type KeeperReply,
  type KeeperRequest,
  type Kept,
  type MainReply,
  type Once,
  receive,
  type StartOptions,
  send,
} from './protocol.ts';
import { currentRun } from './run.ts';
import type { ServiceCall } from './services/spec.ts';

export interface KeeperClient {
  /** The server of this kind and these options; started when it does not run. */
  start<T, Options extends StartOptions = StartOptions>(
    kind: string,
    options: Options,
    signal: AbortSignal,
  ): Promise<T>;
  /**
   * A value that one process of the run makes and all get. A failure goes to all, too. When the maker dies or is
   * aborted, another one makes it.
   */
  once<T>(key: string, make: () => Promise<Made<T>>, signal: AbortSignal): Promise<T>;
  /** What the keeper does for services. */
  service<T>(call: ServiceCall, signal: AbortSignal): Promise<T>;
  keep(signal: AbortSignal): Promise<Kept>;
}

export interface Made<T> {
  value: T;
  /** Shown to the user when the run is kept. */
  address?: string;
}

const LINE: unique symbol = Symbol.for('@qa/jest-preset/keeper') as never;
type Holder = { [LINE]?: Promise<Line> | undefined };

/** The keeper of this run, started when it does not run. */
export async function keeper(signal: AbortSignal): Promise<KeeperClient> {
  const holder = globalThis as Holder;
  holder[LINE] ??= open();
  const opening = holder[LINE];
  const line = await orAborted(opening, signal).catch((error) => {
    if (!signal.aborted && holder[LINE] === opening) holder[LINE] = undefined;
    throw error;
  });
  if (!line.closed) return line;
  if (holder[LINE] === opening) holder[LINE] = undefined;
  return keeper(signal);
}

/** Whether this process has asked the keeper for anything. Costs nothing, starts nothing. */
export function usesKeeper(): boolean {
  return (globalThis as Holder)[LINE] !== undefined;
}

async function open(): Promise<Line> {
  const main = await dial(currentRun().socket).catch((error: Error) => {
    // A worker that has outlived its run's main process must not begin a run of its own.
    throw new Failed(OVER, error);
  });
  try {
    const reply = await new Promise<MainReply>((resolve, reject) => {
      receive(main, resolve);
      main.once('error', reject);
      main.once('close', () => reject(new Failed(OVER)));
      send(main, {});
    });
    if (reply.failure) throw new Failed(reply.failure);
    const socket = await dial(reply.keeper!).catch((error: Error) => {
      throw new Failed(LOST, error);
    });
    return new Line(socket);
  } finally {
    main.destroy();
  }
}

class Line implements KeeperClient {
  closed = false;
  readonly #socket: Socket;
  readonly #pending = new Map<number, { resolve(value: unknown): void; reject(error: Error): void }>();
  #last = 0;

  constructor(socket: Socket) {
    this.#socket = socket;
    socket.unref();
    receive(socket, (reply: KeeperReply) => {
      const pending = this.#pending.get(reply.id);
      this.#done(reply.id);
      if ('failure' in reply) pending?.reject(new Failed(reply.failure));
      else pending?.resolve(reply.value);
    });
    socket.on('error', () => socket.destroy());
    socket.once('close', () => {
      this.closed = true;
      for (const { reject } of this.#pending.values()) reject(new Failed(LOST));
      this.#pending.clear();
    });
  }

  start<T, Options extends StartOptions = StartOptions>(
    kind: string,
    options: Options,
    signal: AbortSignal,
  ): Promise<T> {
    return orAborted(this.#ask({ op: 'start', kind, options }), signal) as Promise<T>;
  }

  async once<T>(key: string, make: () => Promise<Made<T>>, signal: AbortSignal): Promise<T> {
    const asked = this.#ask({ op: 'once', key }) as Promise<Once>;
    const answer = await orAborted(asked, signal).catch((error) => {
      // Who gives up waiting must not be left the maker.
      asked
        .then((late) => ('make' in late ? this.#ask({ op: 'release', key }) : undefined))
        // The line is closed: that tells the keeper as well.
        .catch(() => undefined);
      throw error;
    });
    if (!('make' in answer)) return answer.made as T;
    try {
      const { value, address } = await orAborted(make(), signal);
      await this.#ask({ op: 'settle', key, value, ...(address === undefined ? {} : { address }) });
      return value;
    } catch (error) {
      const request: KeeperRequest = signal.aborted
        ? { op: 'release', key }
        : { op: 'settle', key, failure: toFailure(error) };
      // On a closed line nobody is to be told, and this error is the one to read.
      await this.#ask(request).catch(() => undefined);
      throw error;
    }
  }

  service<T>(call: ServiceCall, signal: AbortSignal): Promise<T> {
    return orAborted(this.#ask({ op: 'service', call }), signal) as Promise<T>;
  }

  keep(signal: AbortSignal): Promise<Kept> {
    return orAborted(this.#ask({ op: 'keep' }), signal) as Promise<Kept>;
  }

  #ask(request: KeeperRequest): Promise<unknown> {
    if (this.closed) return Promise.reject(new Failed(LOST));
    this.#last += 1;
    const id = this.#last;
    return new Promise((resolve, reject) => {
      if (this.#pending.size === 0) this.#socket.ref();
      this.#pending.set(id, { resolve, reject });
      send(this.#socket, { id, ...request });
    });
  }

  #done(id: number): void {
    this.#pending.delete(id);
    if (this.#pending.size === 0) this.#socket.unref();
  }
}

const LOST: Failure = {
  code: 'QA_SERVER_START',
  what: "The process that keeps this run's throwaway servers has ended, and its servers with it.",
  mend: 'Run the tests again; the next file starts new ones',
};

const OVER: Failure = {
  code: 'QA_SERVER_START',
  what: "The run's main process, which starts throwaway servers, does not answer: it has ended",
  mend: 'Run the tests again',
};

function toFailure(error: unknown): Failure {
  if (error instanceof Failed) return error.failure;
  const text = error instanceof Error ? error.message : String(error);
  return {
    code: isQaError(error) ? error.code : 'QA_SERVER_START',
    what: text,
    mend: 'It failed in another worker of this run, whose report has its stack',
    ...(error instanceof Error && error.stack ? { cause: error.stack } : {}),
  };
}

function dial(address: string): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect(address);
    socket.once('error', reject);
    socket.once('connect', () => {
      socket.off('error', reject);
      resolve(socket);
    });
  });
}
