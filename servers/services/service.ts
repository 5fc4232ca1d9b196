/** A service of the run: its process, what it has printed, and how it came to its end. */
import { Failed } from '../protocol.ts';
import { howItEnded } from './ended.ts';
import { failedToStart, isPortTaken } from './failures.ts';
import { type Output, Splitter } from './output.ts';
import { type Exit, type Launched, launch } from './process.ts';
import { untilReady } from './ready.ts';
import { type Ended, fingerprintOf, machineTime, type Running, type ServiceSpec } from './spec.ts';

/** Time to end by itself, ms. */
const GRACE = 5000;
/** ms */
const JUDGE_GRACE = 3000;

let count = 0;

export class Service {
  readonly id: string;
  readonly spec: ServiceSpec;
  readonly fingerprint: string;
  /** Wall clock, ms: what was written to a disk since is newer than the service. */
  readonly startedAt: number = Date.now();
  ended: Ended | undefined;
  readonly #output: Output;
  readonly #process: Launched;
  readonly #listeners = new Set<(line: string) => void>();
  readonly #splitters = { stdout: new Splitter(), stderr: new Splitter() };
  readonly #deadline: AbortController = new AbortController();
  readonly #timer: NodeJS.Timeout;
  #judge: ((trouble: string | undefined) => void) | undefined;
  readonly #judged = new Promise<string | undefined>((resolve) => {
    this.#judge = resolve;
  });
  readonly #began: number = machineTime();
  readonly #sent = new Set<string>();
  #isStopping = false;
  #tried = '';

  constructor(spec: ServiceSpec, output: Output) {
    count += 1;
    this.id = String(count);
    this.spec = spec;
    this.fingerprint = fingerprintOf(spec);
    this.#output = output;
    // The worker that judges has the same limit, and knows more.
    const limit = spec.startTimeout + (spec.ready.by === 'judge' ? JUDGE_GRACE : 0);
    this.#timer = setTimeout(() => this.#deadline.abort(), limit);
    this.#process = launch({
      ...spec,
      onOutput: (stream, bytes) => {
        output.add(stream, bytes);
        if (this.#listeners.size === 0) return;
        for (const line of this.#splitters[stream].add(bytes)) for (const listen of this.#listeners) listen(line);
      },
    });
    void this.#process.exited.then(({ code, signal }) => {
      clearTimeout(this.#timer);
      const onPurpose = this.#isStopping || [...ENDING, signal].some((one) => one !== null && this.#sent.has(one));
      this.ended = { code, signal, at: machineTime(), onPurpose };
    });
  }

  get running(): Running {
    const { id, fingerprint, ended } = this;
    const { slot, url } = this.spec;
    return { id, slot, fingerprint, ...(url === undefined ? {} : { url }), ...(ended && { ended }) };
  }

  get pid(): number | undefined {
    return this.#process.pid;
  }

  /** It was asked to end. */
  get isStopping(): boolean {
    return this.#isStopping;
  }

  /** Fulfilled when all of it is gone. */
  get exited(): Promise<Exit> {
    return this.#process.exited;
  }

  /**
   * Fulfilled when it can be used; false when another process has taken its port meanwhile.
   *
   * @throws Failed QA_SERVICE_START with its last lines
   */
  async untilReady(): Promise<boolean> {
    const { ready, ports } = this.spec;
    const isReady = ready.by === 'judge' ? this.#judgement() : this.#untilTold(ready);
    const outcome = await Promise.race([
      isReady.then((trouble) => (trouble === undefined ? ('ready' as const) : { trouble })),
      this.#process.exited.then(() => 'ended' as const),
    ]).catch((error) => {
      if (this.#deadline.signal.aborted) return 'late' as const;
      throw error;
    });
    this.#listeners.clear();
    clearTimeout(this.#timer);
    if (outcome === 'ready') return true;
    // What it did not say in time may stand in what it prints at its end.
    const before = this.#lastLines();
    const exit = await this.stop();
    const lines = outcome === 'ended' ? this.#lastLines() : before;
    if (outcome === 'ended' && ports.length > 0 && isPortTaken(lines)) return false;
    throw failedToStart(this.spec, {
      ...(outcome === 'ended' ? { exit } : {}),
      ...(outcome === 'late' ? { tried: this.#tried } : {}),
      ...(typeof outcome === 'object' ? { trouble: outcome.trouble } : {}),
      lines,
    });
  }

  /** What the worker that judges has found: undefined, or why it never will be ready. */
  judge(trouble: string | undefined): void {
    this.#judge?.(trouble);
  }

  /** Ends it, and all that it has started. */
  stop(grace: number = GRACE): Promise<Exit> {
    this.#isStopping = true;
    return this.#process.stop(grace);
  }

  /** Fulfilled when the signal is sent, and where it ends a process, when that has ended. */
  async kill(signal: NodeJS.Signals): Promise<Exit | undefined> {
    if (this.ended) {
      throw new Failed({
        code: 'QA_MISUSE',
        what: `There is nothing to send ${signal} to: the service \`${this.spec.name}\` ${howItEnded(this.ended)}`,
        mend: `Start it again: \`await qa.service('${this.spec.name}').restart()\``,
      });
    }
    this.#sent.add(signal);
    this.#process.signal(signal);
    return ENDING.has(signal) ? this.#process.exited : undefined;
  }

  /** Of this process alone. */
  #lastLines(): string[] {
    return this.#output.since(this.#began, LINES).lines;
  }

  #judgement(): Promise<string | undefined> {
    const { signal } = this.#deadline;
    return Promise.race([
      this.#judged,
      new Promise<never>((_, reject) => signal.addEventListener('abort', () => reject(signal.reason), { once: true })),
    ]);
  }

  async #untilTold(ready: Parameters<typeof untilReady>[0]['ready']): Promise<undefined> {
    const { signal } = this.#deadline;
    await untilReady({
      ready,
      port: this.spec.port,
      signal,
      onTry: (came) => {
        this.#tried = came;
      },
      line: (isWanted) =>
        new Promise((resolve, reject) => {
          this.#listeners.add((line) => {
            if (isWanted(line)) resolve();
          });
          signal.addEventListener('abort', () => reject(signal.reason), { once: true });
        }),
    });
    return undefined;
  }
}

/** Shown of what it printed before it failed. */
const LINES = 15;

/** Signals after which a process is not expected to live. */
const ENDING: ReadonlySet<string> = new Set(['SIGKILL', 'SIGTERM', 'SIGINT', 'SIGQUIT']);
