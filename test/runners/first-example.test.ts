/**
 * The example of the README, typed word for word into an empty folder, with the package as npm packs it: in each
 * runner, language and way of importing that we promise. Only the service and its import are added.
 */
import { cpSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { project, type RunResult, root, run, systemNode } from '../support/consumer.ts';
import { normalise } from '../support/normalise.ts';

const CONFIG = `import { defineConfig, postgres, embedded } from '@qa/jest-preset';
const config = defineConfig({ connections: { db: postgres({ server: embedded({ schema: './schema.sql' }) }) } });
export default config;
`;
const REGISTER = `declare module '@qa/jest-preset' { interface Register { config: typeof config } }\n`;
const JEST = `module.exports = { preset: '@qa/jest-preset' };\n`;
const VITEST = `import { qaPreset } from '@qa/jest-preset/vitest';
export default { plugins: [qaPreset()], test: { globals: true } };
`;
const TEST = `let shop;
beforeAll(async () => { shop = await startShop({ databaseUrl: qa.db.url }); qa.state.set('api', shop.url); });   // it runs its migrations at start: they stay
afterAll(() => shop.stop());
test('an order is paid', { tags: ['smoke'] }, async () => {
  await fetch(\`\${qa.state.require('api')}/orders\`, { method: 'POST', body: JSON.stringify({ id: 'o-1', total: 42 }) });
  await expect(qa.db.table('orders')).toHaveRowMatching({ id: 'o-1', status: 'PAID', total: 42 });
  await expect(qa.db.rows('select count(*)::int as n from audit')).toHaveRowMatching({ n: 1 });
});
`;

const LANGUAGES = {
  TypeScript: {
    config: ['qa.config.ts', CONFIG + REGISTER],
    test: 'shop.test.ts',
    type: 'commonjs',
    head: `import { startShop } from './service/shop.mjs';\n`,
    names: (names: string) => `import { ${names} } from '@qa/jest-preset/globals';\n`,
  },
  'JavaScript, ESM': {
    config: ['qa.config.js', CONFIG],
    test: 'shop.test.js',
    type: 'module',
    head: `import { startShop } from './service/shop.mjs';\n`,
    names: (names: string) => `import { ${names} } from '@qa/jest-preset/globals';\n`,
  },
  'JavaScript, CommonJS': {
    config: [
      'qa.config.cjs',
      CONFIG.replace(/import (.*) from (.*);/, 'const $1 = require($2);').replace('export default', 'module.exports ='),
    ],
    test: 'shop.test.js',
    type: 'commonjs',
    head: `const { startShop } = require('./service/shop.mjs');\n`,
    names: (names: string) => `const { ${names} } = require('@qa/jest-preset/globals');\n`,
  },
} as const;

type Language = keyof typeof LANGUAGES;
const languages = Object.keys(LANGUAGES) as Language[];

describe.each(languages)('%s', (language) => {
  describe.each([true, false])('globals: %s', (globals) => {
    test("Jest, on the machine's Node", async () => {
      expectPass(await run(folderOf(language, { globals }), 'jest', ['--ci'], { node: systemNode }));
    });

    test('Vitest', async () => {
      expectPass(await run(folderOf(language, { globals }), 'vitest', ['run']));
    });
  });
});

test('Jest, on a newer Node', async () => {
  expectPass(await run(folderOf('TypeScript'), 'jest', ['--ci']));
});

describe('the failing variant reads well', () => {
  // What it waits for is there already, so that the history is the same each time.
  const done = `  await qa.db.table('audit').waitFor({ order_id: 'o-1' });\n`;
  const failing = TEST.replace(/(?= {2}await expect\(qa\.db\.table)/, done)
    .replace("status: 'PAID', total: 42 })", "status: 'SHIPPED', total: 42 }, { within: 400 })")
    .replace('{ n: 1 })', '{ n: 2 }, { within: 400 })');

  test.each(['jest', 'vitest'] as const)('in %s', async (runner) => {
    const folder = folderOf('TypeScript', { test: failing });
    const { code, output } = await run(folder, runner, runner === 'jest' ? ['--ci'] : ['run']);
    expect(code).toBe(1);
    await expect(`${normalise(output, folder)}\n`).toMatchFileSnapshot(`first-example.${runner}.txt`);
  });
});

function folderOf(
  language: Language,
  { globals = true, test = TEST }: { globals?: boolean; test?: string } = {},
): string {
  const { config, test: file, type, head, names } = LANGUAGES[language];
  const shop = join(root, 'examples', 'shop');
  const folder = project({
    'package.json': JSON.stringify({ private: true, type }),
    'schema.sql': readFileSync(join(shop, 'schema.sql'), 'utf8'),
    [config[0]]: config[1],
    'jest.config.cjs': globals ? JEST : JEST.replace(' };', ', injectGlobals: false };'),
    'vitest.config.mts': globals ? VITEST : VITEST.replace('globals: true', 'globals: false'),
    [file]: `${globals ? '' : names('qa, expect, test, beforeAll, afterAll')}${head}${test}`,
  });
  cpSync(join(shop, 'service'), join(folder, 'service'), { recursive: true });
  return folder;
}

function expectPass({ code, output }: RunResult): void {
  expect(code, output).toBe(0);
  expect(output).toMatch(/Tests:? +1 passed/);
}
