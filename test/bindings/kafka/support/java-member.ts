/** A member of a consumer group that runs Kafka's own client, in a process of its own. */
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { classPath } from '../../../../servers/java/maven.ts';
import { findJava } from '../../../../servers/java/programs.ts';
import { kafkaJars } from '../../../support/kafka-jars.ts';

const SOURCE = fileURLToPath(new URL('GroupMember.java', import.meta.url));

export interface JavaMember extends AsyncDisposable {
  /** What it wrote: `got o-1`, `committed`. */
  readonly lines: readonly string[];
  commit(): void;
}

/** Whether the Java here runs programs from their source: one without a compiler does not. */
export function hasCompiler(): boolean {
  const java = findJava().path;
  return java !== undefined && execFileSync(java, ['--list-modules'], { encoding: 'utf8' }).includes('jdk.compiler');
}

export interface MemberOptions {
  version: string;
  broker: string;
  group: string;
  topic: string;
  /** `consumer` is the newer one. */
  protocol: 'classic' | 'consumer';
}

export function startJavaMember({ version, broker, group, topic, protocol }: MemberOptions): JavaMember {
  const lines: string[] = [];
  const jars = classPath(kafkaJars(version));
  const options = ['-XX:TieredStopAtLevel=1', '-Xmx128m', '-cp', jars!];
  const child = spawn(findJava().path!, [...options, SOURCE, broker, group, topic, protocol]);
  for (const stream of [child.stdout, child.stderr]) createInterface(stream).on('line', (line) => lines.push(line));
  return {
    lines,
    commit: () => child.stdin.write('commit\n'),
    async [Symbol.asyncDispose]() {
      if (child.exitCode !== null) return;
      const ended = once(child, 'exit');
      child.stdin.write('end\n');
      await ended;
    },
  };
}
