/** The services of a run: one in each slot, as long as the run lives or its worker wants it. Runs in the keeper. */
import { setTimeout as sleep } from 'node:timers/promises';
import { remembered } from '../keeper/ledger.ts';
import { Failed, type Failure } from '../protocol.ts';
import { firstNewer } from './newer.ts';
import { Output } from './output.ts';
import { listens } from './ready.ts';
import { Service } from './service.ts';
import {
  type Ended,
  fingerprintOf,
  type GroundState,
  type Printed,
  type ServiceCall,
  type ServiceSpec,
  type StartAnswer,
} from './spec.ts';

/** Whoever asks; `owner` is the line it asks on. */
export interface Caller {
  owner: object;
  reply(value: unknown): void;
  fail(error: unknown): void;
}

interface Slot {
  output: Output;
  service: Service | undefined;
  /** Lines on which it was asked for. */
  users: Set<object>;
  /** The line whose worker says whether it is ready. */
  judge: object | undefined;
  /** How it ended when it was last started anew. */
  lastEnd: Ended | undefined;
  /** Whoever comes soon gets the same failure, without waiting again. */
  failed: { fingerprint: string; failure: Failure; at: number; until: number } | undefined;
  /** Started and ended one after another. */
  queue: Promise<unknown>;
}

/** At the end of a run, ms: what takes longer its guard ends. */
const LAST_GRACE = 2000;
/** ms */
const AGAIN_AFTER = 200;

export class Services {
  readonly #slots = new Map<string, Slot>();
  readonly #ground = new Map<string, GroundState>();
  readonly #closed = new WeakSet<object>();
  #isStopped = false;
  /** They outlive whoever asked for them. */
  isKept = false;

  /** Addresses of what runs. */
  get addresses(): string[] {
    const running = [...this.#slots.values()].flatMap(({ service }) => (service && !service.ended ? [service] : []));
    return running.map(({ spec, pid }) => `${spec.name}: ${spec.url ?? `process ${pid}`}`);
  }

  call(call: ServiceCall, caller: Caller): void {
    this.#answer(call, caller).then(
      (answer) => caller.reply(answer),
      (error) => caller.fail(error instanceof Failed ? error : unexpected(error)),
    );
  }

  /** A line is closed: what was of its file ends with it, and what it was to judge is judged by nobody. */
  leave(owner: object): void {
    this.#closed.add(owner);
    for (const slot of this.#slots.values()) {
      if (!slot.users.delete(owner)) continue;
      if (slot.judge === owner) slot.service?.judge('the process that ran it has ended');
      // Nobody is there to be told that it cannot be ended; the next file's start is.
      if (slot.service?.spec.isOfFile && !this.isKept) slot.service.stop().catch(() => undefined);
    }
  }

  /** Ends all, also those that are about to start. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    // One that cannot be ended must not keep the others from it.
    await Promise.allSettled(Array.from(this.#slots.values(), ({ service }) => service?.stop(LAST_GRACE)));
  }

  async #answer(call: ServiceCall, caller: Caller): Promise<unknown> {
    switch (call.do) {
      case 'look':
        return call.slots.flatMap((name) => this.#usable(name)?.running ?? []);
      case 'start': {
        const slot = this.#slotOf(call.spec.slot);
        slot.users.add(caller.owner);
        return this.#serially(slot, () => this.#start(slot, call.spec, caller));
      }
      case 'restart': {
        const slot = this.#slotOf(call.slot);
        return this.#serially(slot, () => this.#restart(slot, caller, call.onlyEnded === true));
      }
      case 'judged':
        return this.#judged(call);
      case 'stop': {
        const slot = this.#slotOf(call.slot);
        return this.#serially(slot, async () => {
          await slot.service?.stop();
          this.#slots.delete(call.slot);
        });
      }
      case 'kill':
        return this.#slotOf(call.slot).service?.kill(call.signal as NodeJS.Signals);
      case 'output':
        return this.#printed(call);
      case 'ground': {
        const before = this.#ground.get(call.worker) ?? null;
        this.#ground.set(call.worker, call.state);
        return before;
      }
    }
  }

  /** Not one that is about to end: nothing can be gone on with there. */
  #usable(name: string): Service | undefined {
    const service = this.#slots.get(name)?.service;
    return service?.isStopping && !service.ended ? undefined : service;
  }

  #slotOf(name: string): Slot {
    let slot = this.#slots.get(name);
    if (!slot) {
      slot = {
        output: new Output(),
        service: undefined,
        users: new Set(),
        judge: undefined,
        lastEnd: undefined,
        failed: undefined,
        queue: Promise.resolve(),
      };
      this.#slots.set(name, slot);
    }
    return slot;
  }

  #serially<T>(slot: Slot, run: () => Promise<T>): Promise<T> {
    const next = slot.queue.then(run);
    slot.queue = next.catch(() => undefined);
    return next;
  }

  async #start(slot: Slot, spec: ServiceSpec, caller: Caller): Promise<StartAnswer> {
    const fingerprint = fingerprintOf(spec);
    const { service, failed } = slot;
    if (failed?.fingerprint === fingerprint && performance.now() < failed.until) {
      if (!(await firstNewer(spec.watch, failed.at))) throw new Failed(failed.failure);
    }
    if (service && !service.ended) {
      const isSame = service.fingerprint === fingerprint;
      const isOld = (await firstNewer(spec.watch, service.startedAt)) !== undefined;
      if (isSame && !isOld && !service.isStopping) return { running: service.running };
      if (!isSame) this.#refuseOthers(slot, service, spec, caller);
      await service.stop();
    }
    return this.#launch(slot, spec, caller);
  }

  async #restart(slot: Slot, caller: Caller, onlyEnded: boolean): Promise<StartAnswer> {
    const { service, failed } = slot;
    if (!service) throw new Error('It was never started.');
    if (onlyEnded) {
      if (!service.ended) return { running: service.running };
      if (failed && performance.now() < failed.until) throw new Failed(failed.failure);
    }
    await service.stop();
    const { spec } = service;
    const patience = performance.now() + spec.startTimeout;
    for (;;) {
      // Its address stays the same, for tests may have noted it.
      const answer = await this.#launch(slot, spec, caller);
      if (!('portTaken' in answer)) return answer;
      // Whoever judges has to be asked anew for each attempt.
      if (spec.ready.by === 'judge') return answer;
      if (performance.now() > patience) throw portLost(spec);
      // Connections of the one before hold it for a while.
      await sleep(AGAIN_AFTER);
    }
  }

  async #launch(slot: Slot, spec: ServiceSpec, caller: Caller): Promise<StartAnswer> {
    refuseWindows(spec.name);
    if (await isOfAnother(spec)) {
      // Given for it, so others can be given; what its config names stays.
      if (spec.ports.includes(spec.port!)) return { portTaken: true };
      throw portHeld(spec);
    }
    if (this.#isStopped || this.#closed.has(caller.owner)) throw new Error('The run has ended.');
    if (slot.service?.ended) slot.lastEnd = slot.service.ended;
    const since = performance.now();
    const at = Date.now();
    const service = new Service(spec, slot.output);
    slot.service = service;
    // Its worker is told first, and answers while others wait in the queue.
    if (spec.ready.by === 'judge') {
      slot.judge = caller.owner;
      caller.reply({ judge: service.running } satisfies StartAnswer);
    }
    try {
      if (await service.untilReady()) {
        slot.failed = undefined;
        return { running: service.running };
      }
      return { portTaken: true };
    } catch (error) {
      if (error instanceof Failed) {
        const { failure } = error;
        const until = performance.now() + remembered(performance.now() - since);
        slot.failed = { fingerprint: service.fingerprint, failure, at, until };
      }
      throw error;
    }
  }

  /** The answer to the judge is that to the start, which it is a part of. */
  async #judged({ slot: name, id, trouble }: ServiceCall & { do: 'judged' }): Promise<StartAnswer> {
    const slot = this.#slotOf(name);
    const { service } = slot;
    if (service?.id !== id) throw new Error('It was started anew meanwhile.');
    service.judge(trouble);
    await slot.queue;
    if (slot.failed) throw new Failed(slot.failed.failure);
    return service.ended ? { portTaken: true } : { running: service.running };
  }

  #printed({ slot: name, since, most }: ServiceCall & { do: 'output' }): Promise<Printed> {
    const slot = this.#slotOf(name);
    const end = [slot.service?.ended, slot.lastEnd].find((ended) => ended !== undefined && ended.at >= since);
    // What it printed before it answered a test may still be in its pipe.
    return new Promise((resolve) => {
      setTimeout(() => resolve({ ...slot.output.since(since, most), ...(end && { ended: end }) }), 1);
    });
  }

  #refuseOthers({ users }: Slot, { spec: has }: Service, { name, own }: ServiceSpec, { owner }: Caller): void {
    if (![...users].some((user) => user !== owner)) return;
    const names = [...new Set([...Object.keys(has.own), ...Object.keys(own)])];
    const different = names.filter((key) => has.own[key] !== own[key]).map((key) => `\`${key}\``);
    throw new Failed({
      code: 'QA_CONFIG',
      what: `The service \`${name}\` is one for the whole run, but each worker gives it another ${different.join(' and ') || 'command'}`,
      mend: `Write \`scope: 'worker'\` in \`services.${name}\`, or let its \`env\` give the same to all`,
    });
  }
}

/** Where readiness is asked of the port, whoever listens there already would be taken for the service. */
async function isOfAnother({ ready, port }: ServiceSpec): Promise<boolean> {
  return port !== undefined && (ready.by === 'port' || ready.by === 'http') && listens(port);
}

function portHeld({ name, port }: ServiceSpec): Failed {
  return new Failed({
    code: 'QA_SERVICE_START',
    what: `The service \`${name}\` was not started: another process listens on port ${port} already`,
    mend: `End that process, give the service a free port (\`PORT: String(qa.port())\` in its \`env\`), or use the one that runs: \`url\` instead of \`command\``,
  });
}

function portLost({ name, ports }: ServiceSpec): Failed {
  return new Failed({
    code: 'QA_SERVICE_START',
    what: `The service \`${name}\` could not be started again: another process has taken its port (${ports.join(', ')})`,
    mend: 'End that process, or run the file again: it gets another port then',
  });
}

function refuseWindows(name: string): void {
  if (process.platform !== 'win32') return;
  throw new Failed({
    code: 'QA_SERVICE_START',
    what: 'A service needs a POSIX shell, which watches over it, and does not run on Windows itself',
    mend: `Run the tests in WSL, start it with a function \`services.${name}.start\`, or give the \`url\` of one that runs`,
  });
}

function unexpected(error: unknown): Failed {
  const { message, stack } = error as Error;
  return new Failed({
    code: 'QA_SERVICE_START',
    what: `What was asked of a service could not be done: ${message}`,
    mend: 'See the cause',
    ...(stack && { cause: stack }),
  });
}
