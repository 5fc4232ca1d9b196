/** The time limits that tests of real systems need, where the user set none. */
import type { ViteUserConfig } from 'vitest/config';
import type { ResolvedConfig, TestProject } from 'vitest/node';

/** Of tests and hooks, ms. */
const DEFAULT = 30_000;

type Name = 'testTimeout' | 'hookTimeout';
type Limits = { readonly [name in Name]?: unknown };

const NAMES = ['testTimeout', 'hookTimeout'] as const satisfies readonly Name[];

/** Vitest's own defaults, which its resolved config does not tell from the same value set by a user. */
const OF_VITEST: Readonly<Record<Name, number>> = { testTimeout: 5000, hookTimeout: 10_000 };

/** What was found in a config, kept in it under this name: projects that extend it have the same one. */
const NOTE = '@qa/jest-preset';

interface Note {
  /** Limits that somebody wrote down in the config itself or on the command line. */
  own: readonly Name[];
  /** The same, of each project in it. */
  projects: Readonly<Record<string, readonly Name[]>>;
}

/** Called with what the user wrote; Vite merges the answer into its config. */
export function noteTimeouts({ test }: ViteUserConfig): object {
  const projects = (test?.projects ?? []).flatMap((project, index): [string, Name[]][] => {
    const own = (project as { test?: Limits & { name?: string | { label: string } } } | undefined)?.test;
    if (typeof own !== 'object') return [];
    const name = typeof own.name === 'object' ? own.name.label : own.name;
    return [[name ?? String(index), given(own)]];
  });
  return { [NOTE]: { own: given(test ?? {}), projects: Object.fromEntries(projects) } satisfies Note };
}

export function defaultTimeouts({ config, name, vite }: TestProject): void {
  const { own, projects } = (vite.config as { [NOTE]?: Note })[NOTE] ?? { own: [], projects: {} };
  const set = new Set([...own, ...(projects[name] ?? [])]);
  const limits: Pick<ResolvedConfig, Name> = config;
  for (const limit of NAMES) if (!set.has(limit) && limits[limit] === OF_VITEST[limit]) limits[limit] = DEFAULT;
}

function given(limits: Limits): Name[] {
  return NAMES.filter((name) => limits[name] !== undefined);
}
