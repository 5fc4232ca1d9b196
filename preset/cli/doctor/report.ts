/** What `qa doctor` has found out: what `--json` prints, and what the table is made of. */
import type { Finding } from '../../../bindings/core/finding.ts';

export interface Report {
  /** Nothing is red. */
  readonly ok: boolean;
  /** Of this package. */
  readonly version: string;
  readonly node: { readonly version: string };
  readonly config: { readonly file: string; readonly stand: string | null } | null;
  readonly packages: readonly PackageReport[];
  readonly connections: readonly ConnectionReport[];
  /** What belongs to no connection: the config, Node, packages. */
  readonly findings: readonly Finding[];
}

/** A driver, runner or library that is an optional peer. */
export interface PackageReport {
  readonly name: string;
  /** What this package works with. */
  readonly range: string;
  /** null: not installed. */
  readonly installed: string | null;
  /** Whether the version is in the range. */
  readonly fits: boolean;
  /** Connections that it drives. */
  readonly neededBy: readonly string[];
}

export type Status = 'ok' | 'warning' | 'trouble' | 'skipped';

export interface ConnectionReport {
  readonly name: string;
  readonly kind: string;
  readonly status: Status;
  /** Without secrets. */
  readonly address: string | null;
  readonly reachable: boolean;
  readonly version: string | null;
  /** Of one round trip, ms. */
  readonly latency: number | null;
  readonly identity: string | null;
  readonly reset: ResetReport | null;
  readonly findings: readonly Finding[];
}

export interface ResetReport {
  /** `run`: a throwaway server of the run. `marked`: a stand that carries the marker. */
  readonly owner: 'run' | 'marked' | 'others';
  /** `made`: what tests made themselves, and nothing else. */
  readonly touches: 'everything' | 'listed' | 'made' | 'nothing';
  /** What the config lists under `reset`. */
  readonly listed: readonly string[];
  readonly because: string;
}

/** Of all that was found, the worst. */
export function worst(findings: readonly Finding[]): Exclude<Status, 'skipped'> {
  const has = (level: Finding['level']) => findings.some((finding) => finding.level === level);
  return has('trouble') ? 'trouble' : has('warning') ? 'warning' : 'ok';
}
