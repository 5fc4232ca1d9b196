/** A service that runs elsewhere: only its address is known. */
import { QaError } from '../../bindings/core/errors.ts';
import { redactUrl } from '../../bindings/core/redact.ts';
import { serviceVariable } from '../variables.ts';
import type { ServiceRunner } from './services.ts';

export class DeployedRunner implements ServiceRunner {
  readonly #name: string;
  readonly url: string;

  constructor(name: string, url: string) {
    this.#name = name;
    // So that a path can be put behind it.
    this.url = url.replace(/\/$/, '');
  }

  async start(): Promise<void> {}

  async leave(): Promise<void> {}

  restart(): Promise<void> {
    throw this.refusal('restarted');
  }

  /** @param done `restarted` */
  refusal(done: string): QaError {
    const variable = serviceVariable(this.#name);
    const by = process.env[variable] ? `${variable} says` : 'the config says';
    return new QaError('QA_MISUSE', {
      what: `The service \`${this.#name}\` cannot be ${done}: it runs at ${redactUrl(this.url)}, as ${by}, and was not started by this run`,
      mend: `Leave tests that need it out there, for example by a tag, or give \`services.${this.#name}\` a \`command\``,
    });
  }
}
