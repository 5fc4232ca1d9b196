/** The files that `qa init` writes. */
import type { Planned } from './connections.ts';
import type { Facts, Runner } from './facts.ts';

export interface Written {
  /** From the folder. */
  readonly path: string;
  readonly text: string;
}

export const RUNNER_CONFIGS: Readonly<Record<Runner, Written>> = {
  jest: { path: 'jest.config.cjs', text: "module.exports = { preset: '@qa/jest-preset' };\n" },
  vitest: {
    path: 'vitest.config.mts',
    text: `import { qaPreset } from '@qa/jest-preset/vitest';

export default { plugins: [qaPreset()], test: { globals: true } };
`,
  },
};

export function configFile(planned: readonly Planned[], { isTypeScript, isEsm, runners }: Facts): Written {
  const code = planned.flatMap(({ code, inCompose = '' }) => [code, inCompose]).join(' ');
  const helpers = ['embedded', 'fromEnv'].filter((name) => code.includes(`${name}(`));
  const names = ['defineConfig', ...helpers, ...new Set(planned.map(({ kind }) => kind))].sort().join(', ');
  const isModule = isTypeScript || isEsm;
  const connections = planned.map(({ name, code, seen }) => `    // ${seen}\n    ${name}: ${code},\n`).join('');
  const object = `defineConfig({
  connections: {
${connections}  },
${stand(planned)}})`;
  if (!isModule) {
    const text = `const { ${names} } = require('@qa/jest-preset');\n\nmodule.exports = ${object};\n`;
    return { path: 'qa.config.cjs', text };
  }
  const head = `import { ${names} } from '@qa/jest-preset';\n\n`;
  if (!isTypeScript) return { path: 'qa.config.js', text: `${head}export default ${object};\n` };
  const types = `/// <reference types="@qa/jest-preset/${runners[0]}" />\n`;
  const text = `${types}${head}const config = ${object};
export default config;

// Gives \`qa\` its types.
declare module '@qa/jest-preset' {
  interface Register {
    config: typeof config;
  }
}
`;
  return { path: 'qa.config.ts', text };
}

function stand(planned: readonly Planned[]): string {
  const lines = planned.flatMap(({ name, inCompose }) => (inCompose ? [`        ${name}: ${inCompose},\n`] : []));
  if (lines.length === 0) return '';
  return `  stands: {
    // With QA_STAND=compose the tests use what \`docker compose up\` starts.
    compose: {
      connections: {
${lines.join('')}      },
    },
  },
`;
}

/** Connections that the example can use, the best first. */
const ORDER = ['postgres', 'redis', 'valkey', 'dragonfly', 'kafka', 'cassandra', 'aerospike', 'vault'] as const;

export function exampleOf(planned: readonly Planned[]): Planned {
  return planned.toSorted((a, b) => ORDER.indexOf(a.kind) - ORDER.indexOf(b.kind))[0]!;
}

export function exampleTest(planned: readonly Planned[], { isTypeScript, tests }: Facts): Written {
  const used = exampleOf(planned);
  const body = EXAMPLES[used.kind](used.name);
  const names = ['beforeAll', 'expect', 'qa', 'test']
    .filter((name) => new RegExp(`\\b${name}\\b`).test(body))
    .join(', ');
  // The others may not run yet.
  const only =
    planned.length > 1
      ? `/**\n * This file opens one connection of qa.config. Without the next line it opens all.\n * @qa ${used.name}\n */\n`
      : '';
  const extension = isTypeScript ? 'ts' : 'js';
  return {
    path: `${tests}/qa-example.test.${extension}`,
    text: `${only}import { ${names} } from '@qa/jest-preset/globals';\n\n${body}`,
  };
}

const EXAMPLES: Readonly<Record<Planned['kind'], (name: string) => string>> = {
  postgres: (name) => `// What is made here stays for all tests of this file.
beforeAll(async () => {
  await qa.${name}.query('create table qa_example (id text primary key, status text not null)');
});

test('an order is paid', async () => {
  // Your service would do this, a while after it was asked to.
  await qa.${name}.seed('qa_example', [{ id: 'o-1', status: 'PAID' }]);

  // Waits until it is so.
  await expect(qa.${name}.table('qa_example')).toHaveRowMatching({ id: 'o-1', status: 'PAID' });
});

test('each test starts from the same state', async () => {
  await expect(qa.${name}.table('qa_example')).toHaveRowCount(0);
});
`,
  redis: cacheExample,
  valkey: cacheExample,
  dragonfly: cacheExample,
  kafka: (name) => `test('the brokers answer', async () => {
  const admin = qa.${name}.client.admin();
  await admin.connect();
  const { brokers } = await admin.describeCluster();
  expect(brokers.length).toBeGreaterThan(0);
});
`,
  cassandra: (name) => `test('the cluster answers', async () => {
  await expect(qa.${name}.rows('SELECT release_version FROM system.local')).toHaveRowCount(1);
});
`,
  aerospike: (name) => `test('the cluster answers', () => {
  expect(qa.${name}.client.isConnected()).toBe(true);
});
`,
  vault: (name) => `test('it is open', () => {
  expect(qa.${name}.client).toBeDefined();
});
`,
};

function cacheExample(name: string): string {
  return `test('an order is cached', async () => {
  const key = qa.unique('order');
  // Your service would do this, a while after it was asked to.
  await qa.${name}.client.set(key, 'PAID', 'EX', 60);

  // Waits until it is so.
  await expect(qa.${name}.key(key)).toHaveEntry('PAID');
});
`;
}
