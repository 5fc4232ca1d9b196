/** Runs in Jest's sandbox before each test file. */
import { readFileSync } from 'node:fs';
import { expect, jest } from '@jest/globals';
import { QaError } from '../../bindings/core/errors.ts';
import { shared } from '../../bindings/core/shared.ts';

const { runtime, drivers } = shared();

if (runtime === undefined) refuse();
for (const { path, load } of drivers ?? []) jest.mock(path, load);

/** Under an environment that is not ours `qa` is there, but each use of it says what is wrong. */
function refuse(): void {
  const fail = (): never => {
    const { testPath } = expect.getState();
    const named = testPath && /@jest-environment\s+(\S+)/.exec(readFileSync(testPath, 'utf8'))?.[1];
    throw new QaError('QA_NO_ENVIRONMENT', {
      what: named
        ? `This file runs under the environment \`${named}\` that its docblock names, and \`qa\` needs that of @qa/jest-preset`
        : "This file runs under another `testEnvironment` of Jest's config, and `qa` needs that of @qa/jest-preset",
      mend: `Remove ${named ? `\`@jest-environment ${named}\` from the docblock` : '`testEnvironment` from the config'}, or build one on it with withQa(Base) of '@qa/jest-preset/environment'`,
    });
  };
  Object.defineProperty(globalThis, 'qa', {
    configurable: true,
    get: () => new Proxy({}, { get: fail, has: fail, set: fail, ownKeys: fail }),
  });
}
