/** One helper process, seen from the connection. */
import { type ChildProcess, spawn } from 'node:child_process';
import type { Socket } from 'node:net';
import { companionFile } from '../core/companion.ts';
import { receive, send } from '../core/lines.ts';
import { type HelperReply, type HelperRequest, READY } from './child/protocol.ts';
import type { Place } from './place.ts';

/** What GSSAPI, or the lack of it, said. */
export class HelperError extends Error {
  override readonly name = 'HelperError';
  /** `ended`: the process is gone. `load`: it runs, but the module does not load. */
  readonly why: 'gssapi' | 'load' | 'ended';

  constructor(message: string, why: HelperError['why']) {
    super(message);
    this.why = why;
  }
}

interface Pending {
  resolve(value: never): void;
  reject(error: Error): void;
}

/** What it wrote last is kept for the error that tells of its end. */
const LAST_WORDS = 2000;

export class Helper {
  /** Nothing more is asked of it: it is gone, or a call in it hangs. */
  isRetired = false;
  /** Fulfilled when the process runs: its start is not the KDC's time. */
  readonly ready: Promise<void>;
  readonly #child: ChildProcess;
  readonly #pending = new Map<number, Pending>();
  #last = 0;
  #words = '';
  #end: HelperError | undefined;

  /** @param module path of the main file of `kerberos` */
  constructor(module: string, { principal = '', folder, env }: Place) {
    const file = companionFile('gssapi.mjs', './child/main.ts', import.meta.url);
    this.#child = spawn(process.execPath, [file, module, principal, folder], {
      // A session of its own: Ctrl-C is the runner's affair.
      detached: true,
      stdio: ['pipe', 'pipe', 'pipe'],
      cwd: folder,
      env,
    });
    const { stdin, stdout, stderr } = this.#child;
    stdin!.on('error', () => undefined);
    stderr!.setEncoding('utf8').on('data', (text: string) => {
      this.#words = (this.#words + text).slice(-LAST_WORDS);
    });
    receive(stdout!, (reply: HelperReply) => this.#settle(reply));
    this.#child.once('error', (error) => this.#ended(error.message));
    this.#child.once('close', (code, signal) => this.#ended(`It ended by ${signal ?? `exit code ${code}`}.`));
    this.#child.unref();
    for (const stream of [stdin, stdout, stderr]) (stream as Socket).unref();
    this.ready = new Promise((resolve, reject) => this.#expect(READY, { resolve: () => resolve(), reject }));
    // Whoever calls hears of it.
    this.ready.catch(() => undefined);
  }

  /**
   * Asks it. A call that `signal` ends leaves the process to the others that wait for it, and it ends with them.
   *
   * @throws HelperError; the signal's reason
   */
  call<T>(request: HelperRequest, signal: AbortSignal): Promise<T> {
    if (signal.aborted) return Promise.reject(signal.reason);
    if (this.#end !== undefined) return Promise.reject(this.#end);
    this.#last += 1;
    const id = this.#last;
    return new Promise<T>((resolve, reject) => {
      const abort = () => {
        this.isRetired = true;
        this.#done(id);
        reject(signal.reason);
      };
      signal.addEventListener('abort', abort, { once: true });
      const settled = () => signal.removeEventListener('abort', abort);
      this.#expect(id, {
        resolve: (value) => {
          settled();
          resolve(value);
        },
        reject: (error) => {
          settled();
          reject(error);
        },
      });
      send(this.#child.stdin!, { id, ...request });
    });
  }

  /** Ends it at once, whatever it is about. Idempotent. */
  kill(): void {
    this.isRetired = true;
    this.#child.kill('SIGKILL');
  }

  /** While an answer is awaited this process stays. */
  #expect(id: number, pending: Pending): void {
    if (this.#pending.size === 0) (this.#child.stdout as Socket).ref();
    this.#pending.set(id, pending);
  }

  #settle(reply: HelperReply): void {
    const pending = this.#pending.get(reply.id);
    this.#done(reply.id);
    if ('error' in reply) pending?.reject(new HelperError(reply.error, reply.isLoading ? 'load' : 'gssapi'));
    else pending?.resolve(reply.value as never);
  }

  #done(id: number): void {
    this.#pending.delete(id);
    if (this.#pending.size > 0) return;
    (this.#child.stdout as Socket).unref();
    if (this.isRetired) this.kill();
  }

  #ended(how: string): void {
    this.isRetired = true;
    this.#end = new HelperError(`${how} ${this.#words}`.trim(), 'ended');
    for (const { reject } of this.#pending.values()) reject(this.#end);
    this.#pending.clear();
  }
}
