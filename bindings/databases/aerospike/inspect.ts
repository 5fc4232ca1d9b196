/** What `qa doctor` tells of a cluster: its clock, and whether the namespace takes writes. Reads only. */
import type { Client } from 'aerospike';
import type { Scope } from '../../core/binding.ts';
import { clockFinding, type Finding } from '../../core/finding.ts';
import { info, placeOf } from './client.ts';
import { commandError } from './errors.ts';
import type { ParsedOptions } from './options.ts';

/** Seconds between 1970 and where Aerospike's clock begins: 2010. */
const EPOCH = 1_262_304_000;

export async function inspect(client: Client, options: ParsedOptions, scope: Scope): Promise<Finding[]> {
  try {
    const from = Date.now();
    const statistics = await asked(client, 'statistics');
    const to = Date.now();
    const stats = await asked(client, `namespace/${options.namespace}`);
    return [...clock(statistics, { from, to }), ...writes(stats, options.namespace)];
  } catch (error) {
    throw commandError(error, placeOf(options, scope), 'Looking at it');
  }
}

/** A server that does not know it, and a user who may not ask. */
const UNTOLD: readonly unknown[] = [4, 81];

async function asked(client: Client, name: string): Promise<string | undefined> {
  try {
    return (await info(client, [name]))[name];
  } catch (error) {
    if (UNTOLD.includes((error as { code?: unknown }).code)) return undefined;
    throw error;
  }
}

/** Its seconds are whole: anything within one of them is meant. */
function clock(statistics: string | undefined, { from, to }: { from: number; to: number }): Finding[] {
  const seconds = /(?:^|;)current_time=(\d+)/.exec(statistics ?? '')?.[1];
  if (seconds === undefined) return [];
  return [clockFinding((Number(seconds) + EPOCH) * 1000, { from: Math.floor(from / 1000) * 1000, to })];
}

function writes(stats: string | undefined, name: string | undefined): Finding[] {
  if (!/(?:^|;)(?:clock_skew_)?stop_writes=true/.test(stats ?? '')) return [];
  return [
    {
      about: 'server',
      level: 'trouble',
      what: `The namespace \`${name}\` takes no writes (stop_writes).`,
      mend: 'Give it room, or see to the clocks of its nodes: `asadm -e "show stat like stop_writes"` tells which.',
    },
  ];
}
