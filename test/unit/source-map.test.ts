/** The transformer's columns: every name of the output points at itself in the source. */
import { decode } from '@jridgewell/sourcemap-codec';
import { expect, test } from 'vitest';
import { lineMap } from '../../preset/jest/source-map.ts';
import { getCacheKey, process as transformFile } from '../../preset/jest/transform.ts';

const CJS = { supportsStaticESM: false, supportsDynamicImport: false, instrument: false, configString: '{}' };

/** Text of the source at the place that the output's `text` (its nth occurrence) maps to. */
function traced(source: string, code: string, mappings: string, text: string): string {
  const lines = code.split('\n');
  const line = lines.findIndex((one) => one.includes(text));
  const column = lines[line]!.indexOf(text);
  const found = decode(mappings)
    [line]!.filter((segment) => segment[0] <= column)
    .at(-1);
  if (found?.length !== 5 && found?.length !== 4) throw new Error(`${text} is mapped to nothing`);
  const [at, , sourceLine, sourceColumn] = found as [number, number, number, number];
  return source.split('\n')[sourceLine]!.slice(sourceColumn + column - at, sourceColumn + column - at + text.length);
}

const SOURCE = [
  "import type { Shop } from './shop';",
  "import { price as cost, type Price } from './price'; import other, * as all from 'all';",
  'export const run = async <T,>(shop: Shop, how: Record<string, Price> = {}): Promise<void> => {',
  '  const text = `a ${shop.name}`; // ends with an empty piece of template',
  '  expect(cost(text as string)!.total satisfies number).toMatchInlineSnapshot();',
  '  return other(all.things, how as unknown as T[], (await import("late")).value);',
  '};',
  'class Order<T> extends Base<T> { private readonly id: number = 1; declare lost: string; constructor(readonly total: number) { super(total); } }',
  'enum Colour { Red = "red" } export default Order;',
].join('\n');

test('columns survive what TypeScript and imports change', () => {
  const { code, map } = transformFile(SOURCE, '/shop.test.ts', CJS);
  expect(code.split('\n')).toHaveLength(SOURCE.split('\n').length);
  for (const name of [
    'shop.name',
    'text',
    'toMatchInlineSnapshot',
    'things',
    'how',
    ').value',
    'super',
    'run =',
    'Base',
  ])
    expect(traced(SOURCE, code, map!.mappings, name)).toBe(name);
});

test('a changed line far too long to compare is mapped from its ends', () => {
  const long = Array.from({ length: 3000 }, (_, i) => `v${i}`).join('+');
  const source = `start;${long};end`;
  const { mappings } = lineMap(source, `start;${long.replaceAll('+', '-')};end`, '/x.js');
  expect(traced(source, `start;${long.replaceAll('+', '-')};end`, mappings, 'end')).toBe('end');
});

test('native ESM keeps imports', () => {
  const { code } = transformFile(SOURCE, '/shop.test.ts', {
    ...CJS,
    supportsStaticESM: true,
    supportsDynamicImport: true,
  });
  expect(code).toContain("from './price'");
  expect(code).toContain('import("late")');
  expect(code).not.toContain('Shop');
});

test('JSX, by extension', () => {
  const { code } = transformFile('export const view = <b>{1}</b>;', '/view.tsx', CJS);
  expect(code).toContain('react/jsx-runtime');
  expect(transformFile('const f = <T,>(x: T) => <T>x;', '/f.ts', CJS).code).toContain('x');
});

test('a syntax error names the file and the place', () => {
  expect(() => transformFile('const = 1', '/bad.ts', CJS)).toThrow(/bad\.ts.*1:/s);
});

test('the cache key follows content, path, mode and config', () => {
  const key = getCacheKey('a', '/a.ts', CJS);
  expect(getCacheKey('a', '/a.ts', { ...CJS })).toBe(key);
  expect(getCacheKey('b', '/a.ts', CJS)).not.toBe(key);
  expect(getCacheKey('a', '/b.ts', CJS)).not.toBe(key);
  expect(getCacheKey('a', '/a.ts', { ...CJS, supportsStaticESM: true })).not.toBe(key);
  expect(getCacheKey('a', '/a.ts', { ...CJS, instrument: true })).not.toBe(key);
  expect(getCacheKey('a', '/a.ts', { ...CJS, configString: '{"a":1}' })).not.toBe(key);
});

test('a namespace that holds values is refused, one of types is not', () => {
  const refused = (source: string) => () => transformFile(source, '/n.ts', CJS);
  expect(refused('const a = 1;\nexport namespace Shop { export const open = true; }')).toThrow(
    /\/n\.ts:2: the namespace `Shop` holds values.*`transform` of your own/s,
  );
  expect(refused('namespace A.B {\n  function f() {}\n}')).toThrow('`A.B`');
  expect(refused('namespace T { export interface X { const: 1 } type Y = X }')).not.toThrow();
  expect(refused('declare namespace D { const x: number }')).not.toThrow();
  expect(refused('const text = `\nnamespace S { const x = 1 }`;\n/*\nnamespace C { let y }\n*/')).not.toThrow();
});
