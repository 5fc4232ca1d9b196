/** The time limits that tests of real systems need, where the user set none. */
import type { ViteUserConfig } from 'vitest/config';
import type { ResolvedConfig, Vitest } from 'vitest/node';

/** Of tests and hooks, ms. */
const DEFAULT = 30_000;

type Name = 'testTimeout' | 'hookTimeout';

const NAMES = ['testTimeout', 'hookTimeout'] as const satisfies readonly Name[];

/** Vitest's own defaults, which its resolved config does not tell from the same value set by a user. */
const OF_VITEST: Readonly<Record<Name, number>> = { testTimeout: 5000, hookTimeout: 10_000 };

/** Which limits somebody wrote down, in a config or on the command line. */
export class TimeoutsGiven {
  readonly #names = new Set<Name>();

  note({ test }: ViteUserConfig): void {
    const configs: readonly unknown[] = [test, ...(test?.projects ?? [])];
    for (const config of configs) {
      const own = (config as ViteUserConfig | undefined)?.test ?? config;
      if (typeof own !== 'object' || own === null) continue;
      for (const name of NAMES) if ((own as { [key in Name]?: unknown })[name] !== undefined) this.#names.add(name);
    }
  }

  with({ config }: Vitest): ReadonlySet<Name> {
    const { cliOptions } = config as { cliOptions?: { [key in Name]?: unknown } };
    return new Set([...this.#names, ...NAMES.filter((name) => cliOptions?.[name] !== undefined)]);
  }
}

export function defaultTimeouts(config: Pick<ResolvedConfig, Name>, given: ReadonlySet<Name>): void {
  for (const name of NAMES) if (!given.has(name) && config[name] === OF_VITEST[name]) config[name] = DEFAULT;
}
