/** `qa init` as a user runs it, in projects of all sorts; what it writes is run. */
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { bindings } from '../../bindings/registry.ts';
import { DRIVERS } from '../../preset/cli/init/packages.ts';
import { installed, project, type RunResult, run, stripColours } from '../support/consumer.ts';
import { newerNode } from '../toolchain/node.mjs';

/** A repository of its own: what is above is not the user's. */
const repository = (files: Record<string, string> = {}) => project({ '.git/HEAD': '', ...files });
const init = (folder: string, ...args: string[]): Promise<RunResult> => run(folder, 'qa', ['init', ...args]);
const read = (folder: string, path: string) => readFileSync(join(folder, path), 'utf8');

describe('a project with nothing but a package.json', () => {
  test('gets config, runner config and an example that passes in both runners; a second run changes nothing', async () => {
    const folder = repository();
    const { code, output } = await init(folder);
    expect(code, output).toBe(0);
    expect(output).toBe(`✔ qa.config.cjs             written: db (postgres)
✔ tests/qa-example.test.js  written: an example to begin with
✔ jest.config.cjs           written
✔ vitest.config.mts         written

Next
  npx jest tests/qa-example.test.js
  npx vitest run tests/qa-example.test.js
  npx qa doctor
`);
    for (const [runner, args] of [
      ['jest', ['--ci', 'tests/qa-example.test.js']],
      ['vitest', ['run', 'tests/qa-example.test.js']],
    ] as const) {
      const ran = await run(folder, runner, args);
      expect(ran.code, ran.output).toBe(0);
      expect(ran.output).toMatch(/Tests:? .*2 passed/);
    }
    const again = await init(folder);
    expect(again).toEqual({
      code: 0,
      output: `· qa.config.cjs      kept: it was there
· jest.config.cjs    kept: it was there
· vitest.config.mts  kept: it was there

Nothing to do: all is there.
`,
    });
  });

  test('is only told about with --dry-run', async () => {
    const folder = repository();
    const { code, output } = await init(folder, '--dry-run');
    expect(code).toBe(0);
    expect(output).toContain('✔ qa.config.cjs             would be written: db (postgres)');
    expect(existsSync(join(folder, 'qa.config.cjs'))).toBe(false);
    expect(read(folder, 'package.json')).toBe('{ "private": true }\n');
  });
});

const COMPOSE = `
services:
  database:
    image: docker.io/library/postgres:17-alpine
    environment:
      POSTGRES_USER: shop
      POSTGRES_PASSWORD: not-to-be-copied
      POSTGRES_DB: \${DB_NAME:-orders}
    ports: ['127.0.0.1:\${DB_PORT:-5433}:5432']
  cache:
    image: valkey/valkey:8
    command: valkey-server --requirepass \${CACHE_PASSWORD}
    ports: [{ target: 6379, published: 6380 }]
  broker:
    image: apache/kafka:4.0.0
    ports: ['9094:9092']
  metrics:
    image: prometheuscommunity/postgres-exporter:v0.17
    ports: ['9187:9187']
  hidden:
    image: cassandra:5
  shop:
    image: example/shop
    ports: ['8080:8080']
`;

test('installs the drivers that the bindings name', () => {
  for (const [kind, name] of Object.entries(DRIVERS))
    expect(bindings[kind as keyof typeof DRIVERS].driver.name).toBe(name);
});

describe('a project that has something', () => {
  test('TypeScript, drivers and a compose file: a config that compiles, with no password in it', async () => {
    const folder = repository({
      'compose.yml': COMPOSE,
      'package.json': '{ "type": "module", "devDependencies": { "jest": "30", "aerospike": "6" } }',
      'pnpm-lock.yaml': '',
      'tsconfig.json':
        '{ // mine\n "compilerOptions": { "module": "nodenext", "strict": true, "noEmit": true, "skipLibCheck": true, "types": ["node", "jest"] } }',
    });
    const before = read(folder, 'tsconfig.json');
    const { code, output } = await init(folder);
    expect(code, output).toBe(0);
    expect(output).toContain('! compose.yml, service hidden: it publishes no port, so nothing here can reach it');
    expect(read(folder, 'qa.config.ts')).toBe(`/// <reference types="@qa/jest-preset/jest" />
import { aerospike, defineConfig, embedded, fromEnv, kafka, postgres, valkey } from '@qa/jest-preset';

const config = defineConfig({
  connections: {
    // Of compose.yml: database.
    db: postgres({ server: embedded() }),
    // Of compose.yml: cache.
    cache: valkey({ host: '127.0.0.1', port: 6380, password: fromEnv('CACHE_PASSWORD') }),
    // Of compose.yml: broker.
    kafka: kafka({ brokers: ['127.0.0.1:9094'] }),
    // Of package.json: aerospike.
    aerospike: aerospike({ hosts: fromEnv('AEROSPIKE_HOSTS', '127.0.0.1:3000'), namespace: 'test' }),
  },
  stands: {
    // With QA_STAND=compose the tests use what \`docker compose up\` starts.
    compose: {
      connections: {
        db: postgres({ host: '127.0.0.1', port: fromEnv('DB_PORT', '5433'), user: 'shop', password: fromEnv('POSTGRES_PASSWORD'), database: fromEnv('DB_NAME', 'orders') }),
      },
    },
  },
});
export default config;

// Gives \`qa\` its types.
declare module '@qa/jest-preset' {
  interface Register {
    config: typeof config;
  }
}
`);
    expect(read(folder, 'tsconfig.json')).toBe(before);
    expect(existsSync(join(folder, 'vitest.config.mts'))).toBe(false);
    expect(await run(folder, 'tsc', ['-p', '.'])).toEqual({ code: 0, output: '' });
    // The others do not run: the example opens the one it needs.
    const ran = await run(folder, 'jest', ['--ci', 'tests/qa-example.test.ts']);
    expect(ran.code, ran.output).toBe(0);
  });

  test('configs of its own: what to add is told, a section of package.json gets it', async () => {
    const vitest = "// mine\nexport default { test: { include: ['tests/**/*.test.js'] } };\n";
    const manifest = '{\n\t"jest": {\n\t\t"verbose": true\n\t},\n\t"devDependencies": {\n\t\t"vitest": "5"\n\t}\n}\n';
    const folder = repository({ 'vitest.config.mjs': vitest, 'package.json': manifest });
    const { code, output } = await init(folder);
    expect(code, output).toBe(0);
    expect(output).toContain('! vitest.config.mjs: add the import, and the plugin to its `plugins`:');
    expect(output).toContain(
      "      import { qaPreset } from '@qa/jest-preset/vitest';\n      plugins: [qaPreset()],\n",
    );
    expect(read(folder, 'vitest.config.mjs')).toBe(vitest);
    expect(read(folder, 'package.json')).toBe(
      manifest.replace('"jest": {\n', '"jest": {\n\t\t"preset": "@qa/jest-preset",\n'),
    );
    expect(output).toContain("✔ package.json              changed: preset: '@qa/jest-preset' in its `jest`");
    const again = await init(folder);
    expect(again.output).toContain('Nothing was changed.');
  });
});

describe('what goes wrong', () => {
  const cases: [string, Record<string, string>, string, string][] = [
    ['package.json is no JSON', { 'package.json': '{ "private": true, }' }, '.', 'package.json is no JSON'],
    ['package.json is above', { 'package.json': '{}', 'deep/x': '' }, 'deep', 'Run `npx qa init` there'],
    ['a compose file is no YAML', { 'compose.yaml': 'services: [' }, '.', 'compose.yaml is no YAML'],
    ['the folder of tests is a file', { tests: '' }, '.', 'could not be written'],
  ];
  test.each(cases)('%s', async (_, files, sub, message) => {
    const folder = repository(files);
    const { code, output } = await init(join(folder, sub));
    expect(code, output).toBe(1);
    expect(output).toContain(message);
  });

  test('an option that does not exist', async () => {
    expect(await init(repository(), '--yse')).toMatchObject({ code: 2, output: expect.stringContaining('--yes') });
  });
});

const script = spawnSync('script', ['--version'], { encoding: 'utf8' }).stdout?.includes('util-linux');

describe.skipIf(!script)('on a terminal', () => {
  /** Runs a command on a pseudo-terminal of 60 columns, and gives the bytes that it draws. */
  const onTerminal = (folder: string, args: string, env: Record<string, string> = {}) => {
    const command = `stty cols 60; '${newerNode()}' '${join(installed, 'dist', 'cli.mjs')}' ${args}`;
    const { NO_COLOR: _, CI: __, FORCE_COLOR: ___, ...rest } = process.env;
    return spawnSync('script', ['-qec', command, '/dev/null'], {
      cwd: folder,
      env: { ...rest, TERM: 'xterm', ...env },
      encoding: 'utf8',
      input: '',
    }).stdout;
  };

  test('qa doctor shows progress and colours, and fits; with NO_COLOR it has none', () => {
    const folder = repository({
      'qa.config.js': `import { defineConfig, embedded, postgres } from '@qa/jest-preset';
export default defineConfig({ connections: { db: postgres({ server: embedded() }) } });`,
    });
    const drawn = onTerminal(folder, 'doctor');
    expect(drawn).toContain('Opening db');
    expect(drawn).toContain('\u001B[32m✔\u001B[39m db');
    const lines = stripColours(drawn.slice(drawn.indexOf('qa doctor:')))
      .split(/\r?\n/)
      .slice(1);
    expect(lines.filter((line) => line.length > 60)).toEqual([]);
    // biome-ignore lint/suspicious/noControlCharactersInRegex: that is what colours are
    expect(onTerminal(folder, 'doctor', { NO_COLOR: '1' })).not.toMatch(/\u001B\[3\dm/);
  });
});
