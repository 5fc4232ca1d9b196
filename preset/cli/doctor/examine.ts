/** Opens the connections of a config side by side, and looks at each: nothing is written to any target. */
import type { Proof, Refusal } from '../../../bindings/core/binding.ts';
import { isQaError } from '../../../bindings/core/errors.ts';
import type { Finding } from '../../../bindings/core/finding.ts';
import { isEmbedded } from '../../../bindings/core/server.ts';
import type { LoadedConfig } from '../../../environment/config/load.ts';
import { Deadline } from '../../../environment/deadline.ts';
import { Journal } from '../../../environment/log/journal.ts';
import { type Inside, Session } from '../../../environment/session.ts';
import { addressVariable } from '../../../environment/variables.ts';
import { currentRun } from '../../../servers/index.ts';
import { type ConnectionReport, type ResetReport, type Status, worst } from './report.ts';
import { troubleOf } from './told.ts';

export interface ExamineOptions {
  config: LoadedConfig;
  /** Whether throwaway servers are started. */
  starts: boolean;
  /** Called when a connection has been looked at, and with what it says meanwhile. */
  onProgress(name: string, event: { done: Status } | { line: string }): void;
}

type Facts = Pick<ConnectionReport, 'address' | 'reachable' | 'version' | 'latency' | 'identity' | 'reset'>;

export async function examine({ config, starts, onProgress }: ExamineOptions): Promise<ConnectionReport[]> {
  const run = currentRun().id;
  const session: Session = new Session({
    config,
    namespace: { run, worker: '1' },
    workers: 1,
    journal: () => journal,
    adopt: (value) => value,
    waitFor: () => Promise.reject(new Error('Nothing is waited for.')),
    // What a reset would do or not is part of the report.
    look: (name, line) => doctor.isOpening(name) && onProgress(name, { line }),
  });
  const journal = new Journal({
    base: { run, worker: '1', file: 'qa doctor' },
    baseDir: config.baseDir,
    // The user's file belongs to the tests.
    log: undefined,
    redact: (text) => session.redactor.redact(text),
    current: () => undefined,
  });
  const doctor = new Examination(session, config, starts);
  try {
    return await Promise.all(
      Object.keys(config.connections).map(async (name) => {
        const report = redacted(await doctor.examine(name), (text) => session.redactor.redact(text));
        onProgress(name, { done: report.status });
        return report;
      }),
    );
  } finally {
    // Each server that hangs has been told of.
    await session.close().catch(() => undefined);
  }
}

class Examination {
  readonly #session: Session;
  readonly #config: LoadedConfig;
  readonly #starts: boolean;
  readonly #opened = new Set<string>();

  constructor(session: Session, config: LoadedConfig, starts: boolean) {
    this.#session = session;
    this.#config = config;
    this.#starts = starts;
  }

  isOpening(name: string): boolean {
    return !this.#opened.has(name);
  }

  async examine(name: string): Promise<ConnectionReport> {
    const { kind } = this.#config.connections[name]!.binding;
    const facts: { -readonly [Key in keyof Facts]: Facts[Key] } = { ...NOTHING };
    const findings: Finding[] = [];
    try {
      const left = this.#leftAlone(name);
      if (left !== undefined) return { name, kind, status: 'skipped', ...NOTHING, ...left };
      await this.#session.open([name]);
      facts.reachable = true;
      this.#opened.add(name);
      findings.push(...(await this.#look(name, facts)));
    } catch (error) {
      if (isQaError(error)) facts.address ??= error.address ?? null;
      findings.push(this.#told(name, error));
    }
    return { name, kind, status: worst(findings), ...facts, findings };
  }

  /**
   * Why a connection is not opened.
   *
   * @param path those that need it
   */
  #leftAlone(name: string, path: readonly string[] = []): { address: string; findings: Finding[] } | undefined {
    // Opening tells of circles, and of what is not there.
    if (path.includes(name) || !(name in this.#config.connections)) return undefined;
    const { input } = this.#config.connections[name]!;
    const note = (what: string): Finding => ({ about: 'server', level: 'note', what });
    const needed = this.#session.needsOf(name).find((need) => this.#leftAlone(need, [...path, name]) !== undefined);
    if (needed !== undefined) return { address: '', findings: [note(`It needs \`${needed}\`, which is left alone.`)] };
    if (input.server === undefined || process.env[addressVariable(name)]) return undefined;
    if (!isEmbedded(input.server)) {
      const what = 'A server that is lent to the run: tests make targets of their own on it, so it is left alone here.';
      return { address: 'a lent server', findings: [note(what)] };
    }
    if (this.#starts) return undefined;
    const what = 'A throwaway server: a run starts one. Leave `--no-start` out to start one now.';
    return { address: 'a throwaway server', findings: [note(what)] };
  }

  /** Fills `facts` in as far as it comes. */
  async #look(name: string, facts: { -readonly [Key in keyof Facts]: Facts[Key] }): Promise<Finding[]> {
    const ms = this.#config.openTimeout ?? 10_000;
    const deadline = new Deadline(ms);
    const inside = this.#session.inside(name, deadline.signal);
    const { binding, client, options, scope } = inside;
    facts.address = binding.describe(options).address;
    const findings: Finding[] = [];
    const ask = async (about: Finding['about'], work: () => Promise<void>) => {
      if (deadline.signal.aborted) return;
      try {
        await deadline.bound(work(), () => new Silent(ms));
      } catch (error) {
        findings.push(error instanceof Silent ? error.finding : troubleOf(error, about));
      }
    };
    await ask('connection', async () => {
      const { version, latency, identity } = await binding.health(client, scope);
      Object.assign(facts, { version, latency: Math.round(latency * 10) / 10, identity });
    });
    await ask('reset', async () => {
      facts.reset = await this.#ownership(name, inside);
      if (facts.reset.owner === 'marked') findings.push(ONE_WORKER);
    });
    await ask('connection', async () => {
      findings.push(...((await binding.inspect?.(client, options, scope)) ?? []));
    });
    deadline.clear();
    return findings;
  }

  async #ownership(name: string, { binding, client, options, scope }: Inside): Promise<ResetReport> {
    const listed = listedIn(this.#config.connections[name]!.input);
    const nothing = { owner: scope.lease ? 'run' : 'others', touches: 'nothing', listed } as const;
    if (!binding.ownership || !binding.reset) return { ...nothing, because: `${binding.kind} has nothing to reset` };
    const proof: Proof | Refusal = await binding.ownership(client, options, scope);
    if (!proof.owned || proof.by === 'marks') return { ...nothing, because: proof.because };
    if (proof.by === 'marker') return { owner: 'marked', touches: 'listed', listed, because: proof.because };
    // On a server of our own it can be tried.
    const resetter = await binding.reset(client, proof, scope);
    await resetter.close();
    return { owner: 'run', touches: proof.harmless ? 'made' : 'everything', listed, because: proof.because };
  }

  #told(name: string, error: unknown): Finding {
    if (!isQaError(error) || error.connection === undefined || error.connection === name)
      return troubleOf(error, 'connection');
    return {
      about: 'connection',
      level: 'trouble',
      what: `It needs \`${error.connection}\`, which could not be opened.`,
      mend: `Mend \`${error.connection}\` first.`,
    };
  }
}

const NOTHING = { address: null, reachable: false, version: null, latency: null, identity: null, reset: null } as const;

const ONE_WORKER: Finding = {
  about: 'reset',
  level: 'note',
  what: 'All workers share what is emptied, so a run that may use several of them is refused: `maxWorkers: 1`.',
};

/** It is open, and then the time was up. */
class Silent extends Error {
  readonly finding: Finding;

  constructor(ms: number) {
    super('No answer.');
    this.finding = {
      about: 'connection',
      level: 'trouble',
      what: `It opened, but did not answer all questions within ${ms} ms.`,
      mend: 'See what the server is busy with, or give it more time with `--timeout`.',
    };
  }
}

/** What `reset` of a connection lists: tables, prefixes or sets. */
function listedIn({ reset }: Readonly<Record<string, unknown>>): string[] {
  if (typeof reset !== 'object' || reset === null) return [];
  return Object.values(reset)
    .flat()
    .filter((name) => typeof name === 'string');
}

function redacted<T>(value: T, redact: (text: string) => string): T {
  return JSON.parse(JSON.stringify(value), (_, item: unknown) => (typeof item === 'string' ? redact(item) : item)) as T;
}
