/** `qa doctor`: opens every connection of the config and says how each is, and what to do where it is not well. */
import type { Finding } from '../../../bindings/core/finding.ts';
import { type LoadedConfig, loadConfig } from '../../../environment/config/load.ts';
import { ownManifest } from '../manifest.ts';
import { progress } from '../progress.ts';
import { terminalOf } from '../terminal.ts';
import { examine } from './examine.ts';
import { examinePackages } from './packages.ts';
import { printReport } from './print.ts';
import { type Report, worst } from './report.ts';
import { troubleOf } from './told.ts';

export interface DoctorOptions {
  /** Folder of the config. */
  folder: string;
  stand?: string | undefined;
  json: boolean;
  /** Whether throwaway servers are started. */
  start: boolean;
  /** Time for a connection to open, and then to answer, ms. Default: `openTimeout` of the config. */
  timeout?: number | undefined;
}

/** @returns the exit code: 1 where something is red */
export async function doctor(options: DoctorOptions): Promise<number> {
  const report = await examineAll(options);
  process.stdout.write(
    options.json ? `${JSON.stringify(report, null, 2)}\n` : printReport(report, terminalOf(process.stdout)),
  );
  return report.ok ? 0 : 1;
}

async function examineAll({ folder, stand, start, timeout }: DoctorOptions): Promise<Report> {
  const findings: Finding[] = [];
  let config: LoadedConfig | undefined;
  try {
    config = await loadConfig(folder, { ...process.env, ...(stand === undefined ? {} : { QA_STAND: stand }) });
    if (timeout !== undefined) config = { ...config, openTimeout: timeout };
  } catch (error) {
    findings.push(troubleOf(error, 'server'));
  }
  const found = examinePackages(folder, config);
  findings.push(...found.findings);
  const connections = config ? await examineConnections(config, start) : [];
  const all = [findings, ...connections.map((connection) => connection.findings)].flat();
  return {
    ok: worst(all) !== 'trouble',
    version: ownManifest().version,
    node: { version: process.versions.node },
    config: config ? { file: config.file, stand: config.stand ?? null } : null,
    packages: found.packages,
    connections,
    findings,
  };
}

async function examineConnections(config: LoadedConfig, starts: boolean) {
  const waiting = new Set(Object.keys(config.connections));
  const text = () => `Opening ${[...waiting].join(', ')}`;
  const shown = progress(text());
  try {
    return await examine({
      config,
      starts,
      onProgress(name, event) {
        if ('line' in event) return shown.tell(`${name}: ${event.line}`);
        waiting.delete(name);
        shown.tell(text());
      },
    });
  } finally {
    shown.end();
  }
}
