import def, { price, unused } from './src/price';

jest.mock('./src/price', () => {
  const actual = jest.requireActual('./src/price');
  return { __esModule: true, ...actual, unused: jest.fn(() => 'mocked') };
});

test('jest.mock is hoisted above imports', () => {
  expect(unused()).toBe('mocked');
  expect(price(100)).toBe(119);
  expect(def(100, { rounded: false })).toBeCloseTo(119);
});
test('modules are reset', async () => {
  const before = require('./src/price');
  jest.resetModules();
  expect(require('./src/price')).not.toBe(before);
  const again = await import('./src/price');
  expect(again.price(1)).toBe(1.19);
});
test('realm', () => {
  class Own extends Error {}
  expect(new Own() instanceof Error).toBe(true);
  expect({} instanceof Own).toBe(false);
  expect(new Error() instanceof Own).toBe(false);
  expect(new TypeError() instanceof RangeError).toBe(false);
  expect([] instanceof Map).toBe(false);
  expect(Object.create(Date.prototype) instanceof Date).toBe(true);
  expect(null instanceof Date).toBe(false);
  expect(() => JSON.parse('{')).toThrow(SyntaxError);
  expect(Object.keys(globalThis)).not.toContain('qa');
});
