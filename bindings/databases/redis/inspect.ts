/** What `qa doctor` tells of a server that speaks Redis' protocol: its clock, and what this user may do. Reads only. */
import type { Redis } from 'ioredis';
import { clockFinding, type Finding, some } from '../../core/finding.ts';
import type { RedisClient } from './client.ts';
import { isUnsupported } from './errors.ts';
import type { ParsedOptions } from './options.ts';
import { globOf } from './scan.ts';

/** A name that no service has; it is read only. */
const PROBE = 'qa:doctor';

/** What sources and matchers read with. */
const READS: readonly (readonly [command: string, ...args: string[]])[] = [
  ['TYPE'],
  ['PTTL'],
  ['GET'],
  ['HGETALL'],
  ['LRANGE', '0', '0'],
  ['SMEMBERS'],
  ['ZRANGE', '0', '0'],
  ['XRANGE', '-', '+', 'COUNT', '1'],
];

/** What a reset of listed prefixes sends, each as the server is asked whether it would be let through. */
const RESETS: readonly (readonly [command: string, ...args: string[]])[] = [
  ['DUMP'],
  ['UNLINK'],
  ['RESTORE', '0', 'x', 'REPLACE'],
];

export async function inspect(client: RedisClient, options: ParsedOptions): Promise<Finding[]> {
  try {
    const findings = await Promise.all([time(client), keys(client), reads(client), resets(client, options)]);
    return findings.flat();
  } catch (error) {
    throw client.told(error, 'Looking at it');
  }
}

async function time({ redis }: RedisClient): Promise<Finding> {
  const from = Date.now();
  const [seconds, micros] = await redis.time();
  return clockFinding(Number(seconds) * 1000 + Number(micros) / 1000, { from, to: Date.now() });
}

async function keys({ redis, isCluster }: RedisClient): Promise<Finding[]> {
  const findings: Finding[] = [];
  const role = await unlessUnsupported(redis.call('INFO', 'replication'));
  if (!isCluster && /^role:slave/m.test(String(role ?? '')))
    findings.push({ about: 'server', level: 'note', what: 'It is a replica: tests cannot seed it.' });
  const size = await unlessUnsupported(redis.dbsize());
  if (size !== undefined)
    findings.push({ about: 'schema', level: 'ok', what: `It has ${size} key${size === 1 ? '' : 's'}.` });
  return findings;
}

async function reads({ redis, options, isCluster }: RedisClient): Promise<Finding[]> {
  const probe = `${options.keyPrefix ?? ''}${PROBE}`;
  const scan = ['SCAN', '0', 'MATCH', `${globOf(options.keyPrefix ?? '')}*`, 'COUNT', '1'] as const;
  const commands = [
    ...READS.map(([command, ...rest]) => [command, probe, ...rest] as const),
    ...(isCluster ? [] : [scan]),
  ];
  const refused = await Promise.all(
    commands.map(async ([command, ...rest]) => ((await isRefused(redis.call(command, ...rest))) ? [command] : [])),
  );
  return missing(refused.flat(), options, 'warning', 'read with');
}

async function resets({ redis, options }: RedisClient, { prefixes }: ParsedOptions): Promise<Finding[]> {
  if (prefixes.length === 0) return [];
  const user = await unlessUnsupported(redis.call('ACL', 'WHOAMI'));
  if (user === undefined) return [];
  const refused = await Promise.all(
    RESETS.map(async ([command, ...rest]) => {
      const verdict = await unlessUnsupported(
        (redis as Redis).call('ACL', 'DRYRUN', String(user), command, `${prefixes[0]}${PROBE}`, ...rest),
      );
      // A server that does not tell is found out by the first reset.
      return verdict === undefined || verdict === 'OK' ? [] : [command];
    }),
  );
  return missing(refused.flat(), options, 'trouble', 'reset with');
}

function missing(
  commands: readonly string[],
  { address }: ParsedOptions,
  level: 'warning' | 'trouble',
  purpose: string,
): Finding[] {
  if (commands.length === 0) return [];
  const rights = commands.map((command) => `+${command.toLowerCase()}`).join(' ');
  return [
    {
      about: 'rights',
      level,
      what: `This user may not use what tests ${purpose}: ${some(commands, 10)}.`,
      mend: `Let the administrator run: ACL SETUSER ${address?.user ?? 'default'} ${rights} (and see to its key patterns)`,
    },
  ];
}

async function isRefused(answer: Promise<unknown>): Promise<boolean> {
  try {
    await answer;
    return false;
  } catch (error) {
    if (/NOPERM/.test((error as Error).message)) return true;
    if (isUnsupported(error)) return false;
    throw error;
  }
}

async function unlessUnsupported<T>(answer: Promise<T>): Promise<T | undefined> {
  try {
    return await answer;
  } catch (error) {
    if (isUnsupported(error)) return undefined;
    throw error;
  }
}
