/** Checks what a config says of its services. */
import {
  anyFunction,
  type Check,
  check,
  either,
  list,
  milliseconds,
  nonEmpty,
  object,
  oneOf,
  optional,
  record,
  string,
} from '../../bindings/core/check.ts';
import { QaError } from '../../bindings/core/errors.ts';
import { isReference } from '../../bindings/core/reference.ts';
import { addressVariable, serviceVariable } from '../variables.ts';
import type { CommandService, DeployedService, FunctionService } from './services.ts';

const pattern: Check<RegExp> = check(
  'a regular expression',
  (value) => Object.prototype.toString.call(value) === '[object RegExp]',
);
const reference: Check<object> = check('fromEnv(…)', isReference);
const absent: Check<string | undefined> = check('a text or undefined', (v) => v === undefined || typeof v === 'string');

const COMMAND = object({
  command: either(nonEmpty, list(string)),
  cwd: optional(nonEmpty),
  env: optional(either(anyFunction, record(absent))),
  url: optional(either(nonEmpty, anyFunction)),
  ready: optional(either(either(nonEmpty, pattern), anyFunction)),
  startTimeout: optional(milliseconds(1)),
  scope: optional(oneOf('run', 'worker', 'file')),
  watch: optional(list(nonEmpty)),
} satisfies Record<Exclude<keyof CommandService, 'start'>, Check<unknown>>);

const FUNCTION = object({
  start: anyFunction,
  startTimeout: optional(milliseconds(1)),
  scope: optional(oneOf('run', 'worker', 'file')),
} satisfies Record<Exclude<keyof FunctionService, 'url'>, Check<unknown>>);

const DEPLOYED = object({
  url: either(nonEmpty, reference),
} satisfies Record<Exclude<keyof DeployedService, 'start'>, Check<unknown>>);

/** @throws QaError QA_CONFIG that names the path and the right spelling */
export function checkService(path: string, value: unknown): void {
  const given = (typeof value === 'object' && value !== null ? value : {}) as Record<string, unknown>;
  const has = (key: string) => given[key] !== undefined;
  if (has('command') && has('start')) {
    throw wrong(
      `\`${path}\` has both \`command\` and \`start\``,
      'Keep one of them: a process, or a function of this process',
    );
  }
  if (has('start')) {
    FUNCTION(value, path);
    if (has('scope') && given.scope !== 'file') {
      throw wrong(
        `\`${path}.scope\` is '${given.scope}', but what a function starts ends with the process of its test file`,
        'Leave `scope` out, or give it a `command`, which can outlive a file',
      );
    }
  } else if (has('url') && !has('command') && Object.keys(given).length === 1) DEPLOYED(value, path);
  else if (!has('command') && has('url')) {
    const more = Object.keys(given).find((key) => key !== 'url');
    throw wrong(
      `\`${path}.${more}\` means nothing for a service that is only given by its \`url\`: it is not started`,
      `Remove it, or give a \`command\``,
    );
  } else {
    COMMAND(value, path);
    if (Array.isArray(given.command) && given.command.length === 0) {
      throw wrong(`\`${path}.command\` is an empty list`, 'Give a program and its arguments');
    }
  }
}

/** @throws QaError QA_CONFIG for a name that cannot be told from another */
export function checkNames(services: readonly string[], connections: readonly string[]): void {
  const taken = new Map(connections.map((name) => [addressVariable(name), `the connection \`${name}\``]));
  for (const name of services) {
    const path = `services.${name}`;
    if (!/^[A-Za-z][\w-]*$/.test(name))
      throw wrong(`\`${path}\` is no name of letters, digits, - and _`, 'Choose another');
    const variable = serviceVariable(name);
    const other = taken.get(variable);
    if (other) {
      throw wrong(
        `\`${path}\` is called like ${other}: ${variable} would be the address of both`,
        'Give one of them another name',
      );
    }
    taken.set(variable, `the service \`${name}\``);
  }
}

/** Of a stand. @throws QaError QA_CONFIG */
export function checkDeployed(path: string, value: unknown): void {
  DEPLOYED(value, path);
}

function wrong(what: string, mend: string): QaError {
  return new QaError('QA_CONFIG', { what, mend });
}
