/** A run in which QA_TAGS selects no test at all must not look like one that passed. */
import { writeSync } from 'node:fs';
import type { Reporter, TestModule, Vitest } from 'vitest/node';

export class EmptySelectionReporter implements Reporter {
  #vitest: Vitest | undefined;

  onInit(vitest: Vitest): void {
    this.#vitest = vitest;
  }

  onTestRunEnd(modules: readonly TestModule[]): void {
    const expression = process.env.QA_TAGS?.trim();
    const config = this.#vitest?.config;
    if (!expression || !config || modules.length === 0) return;
    for (const module of modules) {
      if (!module.ok()) return;
      for (const test of module.children.allTests()) if (test.result().state !== 'skipped') return;
    }
    // A shard, or a watched run of a few files, may well have nothing selected.
    const fails = !config.passWithNoTests && !config.shard && !config.watch;
    if (fails) process.exitCode = 1;
    writeSync(
      2,
      `[qa] QA_TAGS='${expression}' selects no test of ${modules.length} file${modules.length === 1 ? '' : 's'}${fails ? ', so the run fails' : ''}.\n`,
    );
  }
}
