import { expect, test } from 'vitest';
import { makeState, StateScope, stateEvidence } from '../../environment/state.ts';

function nested() {
  const file = new StateScope();
  const describe = new StateScope(file);
  let scope = file;
  return { state: makeState(() => scope), file, describe, enter: (next: StateScope) => (scope = next) };
}

test('a key of an outer scope is seen within; a key of a test ends with the test', () => {
  const { state, describe, enter } = nested();
  state.set('api', 'http://a');
  enter(new StateScope(describe));
  state.set('order', 1);
  expect(state.require('api')).toBe('http://a');
  expect(state.has('order')).toBe(true);
  enter(new StateScope(describe));
  expect(state.get('order')).toBeUndefined();
  expect(state.has('order')).toBe(false);
});

test('delete forgets the innermost value, where it was set', () => {
  const { state, describe, enter } = nested();
  state.set('k', 'outer');
  enter(describe);
  state.set('k', undefined);
  expect(state.get('k')).toBeUndefined();
  expect(state.delete('k')).toBe(true);
  expect(state.get('k')).toBe('outer');
  expect(state.delete('nothing')).toBe(false);
});

test('a missing key is told with the keys there are', () => {
  const { state } = nested();
  expect(() => state.require('api')).toThrow(/qa\.state has no `api` here\. It is empty\./);
  state.set('apiUrl', 'x');
  expect(() => state.require('apiUr')).toThrow(/Did you mean `apiUrl`\?/);
});

test('a failed test shows its keys, long values cut', () => {
  const { state, file } = nested();
  expect(stateEvidence(file, String)).toBeUndefined();
  state.set('api', 'http://a');
  state.set(
    'rows',
    Array.from({ length: 1000 }, (_, id) => ({ id })),
  );
  const { title, text } = stateEvidence(file, String)!;
  expect(title).toBe('qa.state');
  expect(text).toContain("api: 'http://a'");
  expect(text.split('\n')).toHaveLength(2);
  expect(text.length).toBeLessThan(600);
});
