/**
 * A light transformer for test files: TypeScript, JSX and `import` become what Jest runs. It keeps lines and tells
 * columns, so that code frames, inline snapshots and coverage are right. No types are checked.
 */
import { createHash } from 'node:crypto';
import { createRequire } from 'node:module';
import { dirname, extname, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Options, type Transform, transform } from 'sucrase';
import { declareJest, withoutImportedJest } from './imported-jest.ts';
import { refuseNamespaces } from './namespaces.ts';
import { lineMap, type SourceMap } from './source-map.ts';

interface JestTransformOptions {
  supportsStaticESM: boolean;
  supportsDynamicImport: boolean;
  instrument: boolean;
  configString: string;
}

interface Transformed {
  code: string;
  map?: SourceMap;
}

/** Our own files are built already. Jest asks for them where the package is linked, outside of node_modules. */
const own = dirname(fileURLToPath(import.meta.url)) + sep;
const require = createRequire(import.meta.url);
const versions: string = [require('sucrase/package.json'), require('@qa/jest-preset/package.json')]
  .map(({ version }: { version: string }) => version)
  .join(' ');

/** Jest instruments our output itself, through the source map. */
export const canInstrument = false;

export function getCacheKey(source: string, path: string, options: JestTransformOptions): string {
  const { supportsStaticESM, supportsDynamicImport, instrument, configString } = options;
  return createHash('sha1')
    .update(JSON.stringify([versions, path, supportsStaticESM, supportsDynamicImport, instrument, configString]))
    .update(source)
    .digest('hex');
}

export function process(source: string, path: string, options: JestTransformOptions): Transformed {
  if (path.startsWith(own)) return { code: source };
  const isEsm = options.supportsStaticESM;
  const withoutJest = isEsm ? undefined : withoutImportedJest(source);
  const { code } = transform(withoutJest ?? source, {
    filePath: path,
    transforms: [...syntaxOf(path), ...(isEsm ? [] : (['imports', 'jest'] as const))],
    production: true,
    jsxRuntime: 'automatic',
    // Node knows today's JavaScript; helpers would only move columns.
    disableESTransforms: true,
    preserveDynamicImport: isEsm || options.supportsDynamicImport,
  } satisfies Options);
  if (/\.[cm]?tsx?$/.test(path)) refuseNamespaces(source, code, path);
  const complete = withoutJest === undefined ? code : declareJest(code);
  return { code: complete, map: lineMap(source, complete, path) };
}

function syntaxOf(path: string): Transform[] {
  const extension = extname(path);
  if (/^\.[cm]?ts$/.test(extension)) return ['typescript'];
  return extension === '.tsx' ? ['typescript', 'jsx'] : ['jsx'];
}
