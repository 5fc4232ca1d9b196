/** What belongs into files that are the user's own: added where that is safe, else told word for word. */
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import type { Facts, ProjectManifest, Runner, RunnerConfig } from './facts.ts';

export interface Advice {
  readonly path: string;
  /** What to do with it, then the lines to add. */
  readonly what: string;
  readonly lines: readonly string[];
}

/** undefined: there is nothing to add. */
export function runnerAdvice(runner: Runner, { path, text }: RunnerConfig): Advice | undefined {
  if (text.includes('@qa/jest-preset')) return undefined;
  if (runner === 'vitest') {
    const lines = ["import { qaPreset } from '@qa/jest-preset/vitest';", 'plugins: [qaPreset()],'];
    return { path, what: 'add the import, and the plugin to its `plugins`:', lines };
  }
  const others = ['preset', 'testEnvironment'].filter((key) => new RegExp(`["']?\\b${key}["']?\\s*:`).test(text));
  const instead = others.length > 0 ? ` instead of its ${others.map((key) => `\`${key}\``).join(' and ')}` : '';
  const more = others.includes('testEnvironment')
    ? ' (an environment of your own goes below ours: see docs/config.md)'
    : '';
  return { path, what: `add this${instead}${more}:`, lines: ["preset: '@qa/jest-preset',"] };
}

/** package.json with the preset in its `jest`, where nothing there speaks against it; JSON has no comments to lose. */
export function withPreset(text: string): string | undefined {
  const manifest = JSON.parse(text) as ProjectManifest;
  const { jest } = manifest;
  if (typeof jest !== 'object' || jest === null || 'preset' in jest || 'testEnvironment' in jest || 'projects' in jest)
    return undefined;
  const indent = /^[{]\r?\n([ \t]+)/.exec(text)?.[1] ?? '  ';
  const end = /\r?\n$/.test(text) ? '\n' : '';
  return `${JSON.stringify({ ...manifest, jest: { preset: '@qa/jest-preset', ...jest } }, null, indent)}${end}`;
}

/** Whether TypeScript sees the config, which gives `qa` its types; asked of the project's own compiler. */
export function typesAdvice({ folder, tsconfig, isInstalled }: Facts, config: string): Advice | undefined {
  if (tsconfig === undefined || !config.endsWith('ts')) return undefined;
  const advice = { path: tsconfig, what: 'see that it includes the config, which gives `qa` its types:' };
  const lines = [`"include": [${JSON.stringify(config)}, …]`];
  if (!isInstalled('typescript')) return { ...advice, lines };
  const ts = createRequire(join(folder, 'package.json'))('typescript') as Partial<typeof import('typescript')>;
  const { readConfigFile, parseJsonConfigFileContent, sys } = ts;
  if (!readConfigFile || !parseJsonConfigFileContent || !sys) return { ...advice, lines };
  const file = join(folder, tsconfig);
  const { config: content, error } = readConfigFile(file, sys.readFile);
  if (error) return { ...advice, lines };
  const { fileNames } = parseJsonConfigFileContent(content, sys, dirname(file));
  return fileNames.includes(join(folder, config).replaceAll('\\', '/')) ? undefined : { ...advice, lines };
}
