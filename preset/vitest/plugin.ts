/**
 * `@qa/jest-preset/vitest`: the plugin for a Vitest config.
 *
 * @packageDocumentation
 */
import { existsSync } from 'node:fs';
import { isAbsolute, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Plugin } from 'vitest/config';
import type { TestProject, Vitest } from 'vitest/node';
import { QaError } from '../../bindings/core/errors.ts';
import { findConfig, loadConfig } from '../../environment/config/load.ts';
import { noteTerminal } from '../../environment/log/terminal.ts';
import { PROVIDED, type Provided } from '../../environment/vitest/provided.ts';
import { beginRun } from '../../servers/run.ts';
import '../types/vitest.ts';
import { keepCompiled } from './compile-cache.ts';
import { EmptySelectionReporter } from './empty-selection.ts';
import { tagsInFilter } from './tags-filter.ts';
import { defaultTimeouts, noteTimeouts } from './timeouts.ts';

export interface QaPresetOptions {
  /**
   * Folder of `qa.config`, absolute or from the project's root. Default: the project's root, else that of the
   * Vitest config.
   */
  root?: string;
}

/**
 * Makes Vitest run test files with the connections of `qa.config`: the global `qa`, the matchers, tags and resets.
 *
 * @throws QaError QA_CONFIG when another plugin or the config sets a `runner` of its own
 * @example
 * // vitest.config.mts
 * import { qaPreset } from '@qa/jest-preset/vitest';
 * export default { plugins: [qaPreset()], test: { globals: true } };
 */
export function qaPreset(options: QaPresetOptions = {}): Plugin {
  return {
    name: '@qa/jest-preset',
    config: noteTimeouts,
    async configureVitest({ project, vitest }) {
      // A browser's tests do not run in Node; there is nothing that we could open there.
      if (project.config.browser.enabled) return;
      const root = rootOf(options, project, vitest);
      useRunner(project);
      defaultTimeouts(project);
      const compileCache = keepCompiled(project);
      const provided: Provided = {
        root,
        workers: project.config.maxWorkers,
        isWatching: vitest.config.watch,
        ...(compileCache && { compileCache }),
      };
      project.provide(PROVIDED as never, provided as never);
      await declareTags(root, project, vitest);
      rerunOnChange(root, vitest);
      reportEmptySelection(vitest);
      beginRun();
      noteTerminal();
    },
  };
}

const RUNNER = fileURLToPath(new URL('./vitest/dist/runner.mjs', import.meta.url));

function useRunner({ config, name }: TestProject): void {
  if (config.runner !== undefined && config.runner !== RUNNER) {
    throw new QaError('QA_CONFIG', {
      what: `The Vitest config${name ? ` of project \`${name}\`` : ''} sets \`runner: '${config.runner}'\`, and qaPreset() needs a runner of its own`,
      mend: 'Remove `test.runner` from it, or `qaPreset()` from its `plugins`',
    });
  }
  config.runner = RUNNER;
}

function rootOf({ root }: QaPresetOptions, project: TestProject, vitest: Vitest): string {
  const own = project.config.root;
  if (root !== undefined) return isAbsolute(root) ? root : resolve(own, root);
  return hasConfig(own) ? own : hasConfig(vitest.config.root) ? vitest.config.root : own;
}

function hasConfig(root: string): boolean {
  return existsSync(root) && configOf(root) !== undefined;
}

/** What is wrong with it, each file's result tells. */
function configOf(root: string): string | undefined {
  try {
    return findConfig(root);
  } catch {
    return undefined;
  }
}

/**
 * Vitest knows only tags that its config lists; ours are in qa.config, or nowhere. Where the user lists none for
 * Vitest, any tag is accepted there, and qa.config's `tags` decide.
 */
async function declareTags(root: string, { config }: TestProject, vitest: Vitest): Promise<void> {
  if (config.tags.length === 0) config.strictTags = false;
  const declared = await loadConfig(root).then(
    ({ tags }) => tags ?? [],
    // The result of each file tells what is wrong with it, also when it is mended while Vitest watches.
    () => [],
  );
  const names = [...declared, ...tagsInFilter(config.tagsFilter ?? [])];
  for (const known of new Set([config.tags, vitest.config.tags])) {
    for (const name of names) if (!known.some((tag) => tag.name === name)) known.push({ name });
  }
}

function rerunOnChange(root: string, { config }: Vitest): void {
  const file = configOf(root);
  if (file && !config.forceRerunTriggers.includes(file)) config.forceRerunTriggers.push(file);
}

function reportEmptySelection({ config }: Vitest): void {
  const has = config.reporters.some((reporter) => reporter instanceof EmptySelectionReporter);
  if (!has) config.reporters.push(new EmptySelectionReporter() as never);
}
