/** What a service printed during a test, and whether it ended, for the test's failure. */
import { howItEnded } from '../../servers/services/ended.ts';
import { machineTime } from '../../servers/services/spec.ts';
import type { Evidence, Witness } from '../witness.ts';
import type { CommandRunner } from './command.ts';

const MOST_LINES = 30;
const WIDEST = 300;

export class OutputWitness implements Witness {
  readonly #name: string;
  readonly #service: () => CommandRunner | undefined;
  readonly #began = new WeakMap<object, number>();
  readonly #evidence = new WeakMap<object, Evidence>();

  constructor(name: string, service: () => CommandRunner | undefined) {
    this.#name = name;
    this.#service = service;
  }

  testStart(test: object): void {
    this.#began.set(test, machineTime());
    this.#evidence.delete(test);
  }

  async gather(test: object): Promise<void> {
    const service = this.#service();
    const began = this.#began.get(test);
    if (!service || began === undefined) return;
    const title = `output of ${this.#name}`;
    let output: Awaited<ReturnType<CommandRunner['output']>>;
    try {
      output = await service.output(began, MOST_LINES);
    } catch (error) {
      // The failure that it belongs to is the one to read: this must not take its place.
      this.#evidence.set(test, { title, text: `(it could not be asked for: ${(error as Error).message})` });
      return;
    }
    const { lines, isCut, ended } = output;
    const shown = lines.map((line) => (line.length > WIDEST ? `${line.slice(0, WIDEST)}…` : line));
    if (isCut) shown.unshift(`… (the last ${MOST_LINES} lines)`);
    if (ended) {
      const who = ended.onPurpose ? ', as the test wanted' : '';
      shown.push(`── ${this.#name} ${howItEnded(ended)} ${seconds(ended.at - began)} after the test began${who}`);
    }
    if (shown.length > 0) this.#evidence.set(test, { title, text: shown.join('\n') });
  }

  about(test: object): Evidence | undefined {
    return this.#evidence.get(test);
  }
}

function seconds(ms: number): string {
  return ms < 1000 ? `${Math.max(Math.round(ms), 0)} ms` : `${(ms / 1000).toFixed(1)} s`;
}
