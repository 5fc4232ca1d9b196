/** Starts fixtures/main.ts and looks at what is left of it, as an operating system sees it. */
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { createInterface, type Interface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

export interface Ready {
  run: { id: string; socket: string; pid: number };
  workerPid: number;
  adopted: string;
  url: string;
  data: string;
  serverPid: number;
  kept?: { addresses: string[]; stop: string };
}

type Kafka = 'kafka' | 'kafka-keep' | 'kafka-prepare';
type Cache = 'redis' | 'redis-keep';
type Vault = 'vault' | 'vault-keep';

export class RunInSmall implements Disposable {
  readonly process: ChildProcess;
  readonly #lines: Interface;
  #errors = '';

  constructor(options: { uid?: number; gid?: number; env?: NodeJS.ProcessEnv } = {}) {
    const file = fileURLToPath(new URL('./fixtures/main.ts', import.meta.url));
    this.process = spawn(process.execPath, [file], {
      // A session of its own, as a terminal gives: Ctrl-C goes to the whole group.
      detached: true,
      stdio: ['pipe', 'pipe', 'pipe'],
      cwd: fileURLToPath(new URL('../..', import.meta.url)),
      ...options,
    });
    this.process.stderr!.setEncoding('utf8').on('data', (text) => {
      this.#errors += text;
    });
    this.#lines = createInterface(this.process.stdout!);
  }

  /** Starts a worker and returns what it got. */
  async worker(
    command: 'lease' | 'keep' | 'leave' | 'thread' | 'schema' | 'orphan' | 'nothing' | Kafka | Cache | Vault = 'lease',
  ): Promise<Ready> {
    this.process.stdin!.write(`${command}\n`);
    return new Promise((resolve, reject) => {
      this.#lines.once('line', (line) => resolve(JSON.parse(line)));
      this.process.once('exit', (code) => reject(new Error(`The run ended with ${code}: ${this.#errors}`)));
    });
  }

  end(): void {
    this.process.stdin!.write('end\n');
  }

  [Symbol.dispose](): void {
    if (this.process.exitCode === null && this.process.signalCode === null) this.process.kill('SIGKILL');
  }
}

/** Zombies have no command line: in a container nobody may reap them. */
export function isAlive(pid: number): boolean {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8') !== '';
  } catch {
    return false;
  }
}

export function keeperOf({ run }: Ready): number {
  const folder = dirname(run.socket);
  const found = readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .find((pid) => {
      const words = commandLine(pid);
      return words.some((word) => word.endsWith('keeper/main.ts')) && words.includes(folder);
    });
  return Number(found);
}

function commandLine(pid: string): string[] {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0');
  } catch {
    return [];
  }
}

/** What is still there of a run's server after at most `within` ms: nothing is as it should be. */
export async function remains({ serverPid, data, run }: Ready, within: number, keeperPid: number): Promise<string[]> {
  const look = () => [
    ...(isAlive(serverPid) ? ['the server'] : []),
    ...(existsSync(dirname(data)) ? ['its data'] : []),
    ...(isAlive(keeperPid) ? ['the keeper'] : []),
    ...(isAlive(run.pid) || !existsSync(dirname(run.socket)) ? [] : ["the run's folder"]),
  ];
  const deadline = performance.now() + within;
  while (look().length > 0 && performance.now() < deadline) await sleep(20);
  return look();
}
