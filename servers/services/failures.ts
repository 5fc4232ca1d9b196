/** Why a service did not start, with what it said itself. */
import { Failed } from '../protocol.ts';
import { howItEnded } from './ended.ts';
import type { Exit } from './process.ts';
import type { ServiceSpec } from './spec.ts';

export interface Trouble {
  /** It has ended. */
  exit?: Exit;
  /** Its time was up; what the last look at it came to. */
  tried?: string;
  /** What the function `ready` threw. */
  trouble?: string;
  lines: readonly string[];
}

/** Of a shell that did not find a command, or may not run it. */
const NOT_FOUND = 127;
const NOT_RUNNABLE = 126;

export function failedToStart(spec: ServiceSpec, { exit, tried, trouble, lines }: Trouble): Failed {
  const { name, startTimeout, cwd } = spec;
  const command = commandLine(spec.command);
  const shown = lines.map((line) => `    ${line}\n`).join('');
  const said = lines.length > 0 ? `Its last lines:\n${shown}` : 'It printed nothing.';
  const by = `\`${command}\` in ${cwd}`;
  const fail = (what: string, mend: string) =>
    new Failed({ code: 'QA_SERVICE_START', what: `The service \`${name}\` ${what}. ${said}`, mend });
  if (trouble !== undefined) {
    return fail(
      `is not ready: its function \`ready\` failed: ${trouble}`,
      `Mend \`services.${name}.ready\`, or what it asks`,
    );
  }
  if (exit?.error) return fail(`could not be started: ${exit.error.message}`, `Correct \`services.${name}\`: ${by}`);
  if (exit && (exit.code === NOT_FOUND || exit.code === NOT_RUNNABLE)) {
    const what = exit.code === NOT_FOUND ? 'there is no such command' : 'the command may not be run';
    return fail(
      `${howItEnded(exit)} before it was ready: ${what}`,
      `Correct \`services.${name}.command\`, or install what it names: ${by}`,
    );
  }
  if (exit) {
    return fail(
      `${howItEnded(exit)} before it was ready`,
      `Mend what its lines say; to see it by hand, run ${by} with what \`env\` gives`,
    );
  }
  return fail(
    `was not ready after ${startTimeout} ms${tried ? `: ${tried}` : ''}`,
    `Mend what its lines say, correct \`services.${name}.ready\`, or give it more time: \`startTimeout: ${startTimeout * 2}\``,
  );
}

/** Whether its last lines say that somebody else has its port. */
export function isPortTaken(lines: readonly string[]): boolean {
  return lines.some((line) => /EADDRINUSE|address (is )?already in use|port \S+ (is |was )?already in use/i.test(line));
}

export function commandLine(command: ServiceSpec['command']): string {
  if (typeof command === 'string') return command;
  return command.map((word) => (/^[\w./:=@%+,-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`)).join(' ');
}
