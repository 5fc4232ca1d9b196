import { expect, test } from 'vitest';
import type { CommandRunner } from '../../environment/services/command.ts';
import { OutputWitness } from '../../environment/services/witness.ts';

test('a keeper that does not answer takes the place of the output, and never of the failure', async () => {
  const output = () => Promise.reject(new Error('the keeper has ended'));
  const witness = new OutputWitness('shop', () => ({ output }) as unknown as CommandRunner);
  const key = {};
  witness.testStart(key);
  await witness.gather(key);
  expect(witness.about(key)).toEqual({
    title: 'output of shop',
    text: '(it could not be asked for: the keeper has ended)',
  });
});
