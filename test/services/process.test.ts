/** What the keeper does with processes that do not end as they should: it holds all the run's servers, and outlives them. */
import { afterEach, expect, test, vi } from 'vitest';
import { launch } from '../../servers/services/process.ts';
import { Services } from '../../servers/services/services.ts';
import type { ServiceSpec, StartAnswer } from '../../servers/services/spec.ts';
import { isAlive } from '../servers/processes.ts';
import { failure, fixtures } from './harness.ts';

afterEach(() => vi.restoreAllMocks());

test("one that has become another user's is told of, and waited for no longer than it is given", async () => {
  const sleeper = launch({ command: 'sleep 60', cwd: '/', env: process.env as never, onOutput: () => undefined });
  const { pid = 0 } = sleeper;
  // Whoever runs the tests may be root, whom nothing is refused.
  const refuse = vi.spyOn(process, 'kill').mockImplementation(() => {
    throw Object.assign(new Error('kill EPERM'), { code: 'EPERM' });
  });
  sleeper.signal('SIGINT');
  expect((await failure(sleeper.stop(20))).message).toBe(`Process ${pid} may not be ended: it is another user's.`);
  refuse.mockRestore();
  expect(isAlive(pid)).toBe(true);
  expect(await sleeper.stop(5000)).toMatchObject({ signal: 'SIGTERM' });
});

test('a file finds none that is just being ended, as its worker was: it gets another', async () => {
  const services = new Services();
  const spec: ServiceSpec = {
    name: 'deaf',
    slot: 'deaf of worker 1',
    isOfFile: true,
    command: [process.execPath, 'service.mjs', 'deaf'],
    cwd: fixtures,
    env: process.env as never,
    own: {},
    ports: [],
    ready: { by: 'text', text: 'listening' },
    startTimeout: 20_000,
    watch: [],
  };
  const ask = (owner: object, call: Parameters<Services['call']>[0]) =>
    new Promise<unknown>((resolve, reject) => services.call(call, { owner, reply: resolve, fail: reject }));
  const [one, two] = [{}, {}];
  const first = await ask(one, { do: 'start', spec });
  expect(await ask(two, { do: 'look', slots: [spec.slot] })).toEqual([(first as { running: object }).running]);
  services.leave(one);
  expect(await ask(two, { do: 'look', slots: [spec.slot] })).toEqual([]);
  const second = (await ask(two, { do: 'start', spec })) as StartAnswer;
  expect(second).toMatchObject({ running: { slot: spec.slot } });
  expect(second).not.toEqual(first);
  expect((second as { running: { ended?: object } }).running.ended).toBeUndefined();
  await services.stop();
}, 20_000);
