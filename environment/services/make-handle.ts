/** Makes `qa.service(name)`: there from the start, usable once the service is. */
import { constants } from 'node:os';
import { QaError } from '../../bindings/core/errors.ts';
import { orAborted, teller, withinTest } from '../../bindings/core/operation.ts';
import type { Redactor } from '../../bindings/core/redact.ts';
import { didYouMean } from '../../bindings/core/suggest.ts';
import { CommandRunner } from './command.ts';
import { DeployedRunner } from './deployed.ts';
import type { ServiceHandle } from './handle.ts';
import type { ServiceRunner } from './services.ts';

export interface HandleOptions {
  /** @throws QaError where it is not started */
  runner(): ServiceRunner;
  since(): number;
  adopt: <T>(value: T) => T;
  redactor: Redactor;
}

const MOST_LINES = 5000;

export function makeHandle(name: string, { runner, since, adopt, redactor }: HandleOptions): ServiceHandle {
  const call = async <T>(caller: (...args: never[]) => unknown, run: () => Promise<T>): Promise<T> => {
    const tell = teller(caller, (error) => error, adopt);
    try {
      return adopt(await run());
    } catch (error) {
      throw tell(error);
    }
  };
  const handle: ServiceHandle = {
    get url() {
      const { url } = runner();
      if (url !== undefined) return url;
      throw new QaError('QA_CONFIG', {
        what: `The service \`${name}\` has no address: its \`env\` took no port, and its config names no \`url\``,
        mend: `Let \`services.${name}.env\` take one (\`PORT: String(qa.port())\`), or give it a \`url\``,
      });
    },
    logs: (options = {}) =>
      call(handle.logs, async () => {
        const moment = options.since === 'start' ? Number.NEGATIVE_INFINITY : since();
        const { lines } = await process(name, runner(), 'read').output(Math.max(moment, 0), MOST_LINES);
        return redactor.redact(lines.join('\n'));
      }),
    restart: () =>
      call(handle.restart, () =>
        withinTest(
          (signal) => orAborted(runner().restart(), signal),
          () => ({
            what: `The service \`${name}\` was not ready again when the time of this test was up`,
            mend: MORE_TIME,
          }),
        ),
      ),
    kill: (signal = 'SIGTERM') =>
      call(handle.kill, async () => {
        checkSignal(signal);
        const one = process(name, runner(), 'ended');
        const ended = await withinTest(
          (until) => one.kill(signal, until),
          () => ({
            what: `The service \`${name}\` got ${signal}, and has not ended when the time of this test was up`,
            mend: 'Send it SIGKILL, which no process can ignore, or mend its end',
          }),
        );
        return ended ? { code: ended.signal === null ? ended.code : null, signal: ended.signal } : undefined;
      }),
  };
  return handle;
}

/** @throws QaError QA_MISUSE */
export function noSuchService(name: string, known: readonly string[]): QaError {
  return new QaError('QA_MISUSE', {
    what:
      known.length === 0
        ? `\`qa.service('${name}')\`: the config has no \`services\``
        : `\`qa.service('${name}')\`: the config has no such service. ${didYouMean(name, known)}`,
    mend: known.length === 0 ? `Add it to qa.config: \`services: { ${name}: { command: '…' } }\`` : 'Correct the name',
  });
}

const MORE_TIME = 'Give the test more time, or let the service start faster';

function process(name: string, runner: ServiceRunner, done: 'read' | 'ended'): CommandRunner {
  if (runner instanceof CommandRunner) return runner;
  if (runner instanceof DeployedRunner) throw runner.refusal(done);
  throw new QaError('QA_MISUSE', {
    what: `The service \`${name}\` runs in the process of the tests, which its function \`start\` started it in: it has no output and no process of its own`,
    mend: `Give \`services.${name}\` a \`command\` instead of \`start\``,
  });
}

function checkSignal(signal: string): void {
  if (Object.hasOwn(constants.signals, signal)) return;
  throw new QaError('QA_MISUSE', {
    what: `There is no signal \`${signal}\`. ${didYouMean(signal, Object.keys(constants.signals))}`,
    mend: 'Correct its name',
  });
}
