/**
 * `@qa/jest-preset/environment`: Jest's environment. The preset names it; who needs another environment below it
 * makes one with `withQa`.
 *
 * @packageDocumentation
 */
import { inspect } from 'node:util';
import { TestEnvironment } from 'jest-environment-node';
import { QaError } from '../../bindings/core/errors.ts';
import { type BaseClass, makeEnvironment } from '../../environment/jest/index.ts';
import { installMatchers } from '../../matchers/index.ts';

/**
 * An environment that does all that `Base` does, and all that ours does.
 *
 * @param Base a class that extends jest-environment-node or has its methods: `setup`, `teardown`, `getVmContext`
 * @throws QaError QA_CONFIG where it is no class: packages export theirs under different names
 * @example
 * // qa-environment.cjs, named by `testEnvironment`
 * const { withQa } = require('@qa/jest-preset/environment');
 * module.exports = withQa(require('jest-environment-jsdom').TestEnvironment);
 */
export function withQa<Base extends BaseClass>(Base: Base): Base {
  if (typeof Base !== 'function') {
    throw new QaError('QA_CONFIG', {
      what: `withQa() was given ${inspect(Base, { depth: 0 })}, where the class of an environment is expected`,
      mend: "Give it the class itself: `require('jest-environment-jsdom').TestEnvironment`, `require('allure-jest/node')`",
    });
  }
  return makeEnvironment(Base, { installMatchers: installMatchers as never });
}

const QaEnvironment: BaseClass = withQa(TestEnvironment as unknown as BaseClass);
export default QaEnvironment;
