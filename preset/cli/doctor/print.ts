/** The report as people read it: a table, then what is wrong, each with its mend. */
import type { Finding } from '../../../bindings/core/finding.ts';
import { tableLines } from '../table.ts';
import { type Terminal, wrap } from '../terminal.ts';
import type { ConnectionReport, PackageReport, Report, ResetReport, Status } from './report.ts';

const COLUMNS = [
  { heading: 'CONNECTION', least: 6 },
  { heading: 'SYSTEM', least: 8 },
  { heading: 'LATENCY', least: 7, align: 'right' },
  { heading: 'ADDRESS', least: 16 },
  { heading: 'RESET', least: 8 },
  { heading: 'WHO', least: 8 },
] as const;

const SIGN = { ok: '✔', note: '·', warning: '!', trouble: '✖', skipped: '-' } as const;
/** The sign before each line, and a space. */
const MARGIN = 2;

export function printReport(report: Report, terminal: Terminal): string {
  const { paint, width } = terminal;
  const lines = [paint.bold(title(report)), wrap(about(report), width, ''), ''];
  if (report.connections.length > 0) {
    const rows = report.connections.map(cells);
    const [head, ...body] = tableLines(COLUMNS, rows, width - MARGIN);
    lines.push(`  ${paint.dim(head!)}`);
    for (const [index, line] of body.entries())
      lines.push(`${sign(report.connections[index]!.status, terminal)} ${line}`);
    lines.push('');
  }
  for (const finding of report.findings) lines.push(...findingLines('', finding, terminal));
  for (const { name, findings, reset } of report.connections) {
    const shown = findings.filter(({ level }) => level !== 'ok');
    for (const finding of shown) lines.push(...findingLines(name, finding, terminal));
    if (reset) lines.push(...findingLines(name, resetFinding(reset), terminal));
  }
  lines.push('', summary(report, terminal));
  return `${lines.join('\n')}\n`;
}

function title({ config }: Report): string {
  if (config === null) return 'qa doctor';
  return `qa doctor: ${config.file}${config.stand === null ? '' : `, stand ${config.stand}`}`;
}

function about({ node, version, packages }: Report): string {
  const named = packages.filter(({ installed }) => installed !== null).map(packageText);
  return [`Node ${node.version}`, `@qa/jest-preset ${version}`, ...named].join(', ');
}

function packageText({ name, installed, fits }: PackageReport): string {
  return `${name} ${installed}${fits ? '' : ' (!)'}`;
}

function cells({ name, kind, version, latency, address, reset, identity }: ConnectionReport): string[] {
  return [
    name,
    [kind, version?.replace(new RegExp(`^${kind} `), '')].filter(Boolean).join(' '),
    latency === null ? '' : `${latency} ms`,
    address ?? '',
    reset === null ? '' : RESET_WORDS[reset.touches],
    identity ?? '',
  ];
}

const RESET_WORDS: Readonly<Record<ResetReport['touches'], string>> = {
  everything: 'everything, it is ours',
  listed: 'what is listed',
  made: 'what tests make',
  nothing: 'nothing',
};

function resetFinding({ touches, listed, because }: ResetReport): Finding {
  const what =
    touches === 'listed' ? `A reset empties ${listed.join(', ')}` : `A reset touches ${RESET_WORDS[touches]}`;
  return { about: 'reset', level: 'note', what: `${what}: ${because}.` };
}

function findingLines(name: string, { level, what, mend }: Finding, terminal: Terminal): string[] {
  const { paint, width } = terminal;
  const subject = name === '' ? '' : `${name}: `;
  const indent = ' '.repeat(MARGIN);
  const text = wrap(`${subject}${what}`, width, indent);
  const lines = [`${sign(level, terminal)} ${level === 'note' ? paint.dim(text) : text}`];
  if (mend !== undefined) lines.push(`${indent}${paint.bold('→')} ${wrap(mend, width, `${indent}  `)}`);
  return lines;
}

function sign(level: Finding['level'] | Status, { paint }: Terminal): string {
  const colour = { ok: paint.green, note: paint.dim, warning: paint.yellow, trouble: paint.red, skipped: paint.dim }[
    level
  ];
  return colour(SIGN[level]);
}

function summary({ ok, connections, findings }: Report, { paint }: Terminal): string {
  const count = (status: Status) => connections.filter((connection) => connection.status === status).length;
  const red = count('trouble') + findings.filter(({ level }) => level === 'trouble').length;
  const yellow = count('warning') + findings.filter(({ level }) => level === 'warning').length;
  if (!ok) return paint.red(`${red} in trouble: see ✖ above.`);
  const opened = connections.length - count('skipped');
  const well = `${opened} connection${opened === 1 ? '' : 's'} ready for tests.`;
  return yellow > 0 ? paint.yellow(`${well} See ! above.`) : paint.green(well);
}
