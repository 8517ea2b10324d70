import { chmodSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { type Finding, kinds } from './finding.ts';
import type { Counts } from './report.ts';

/** Writes the numbers for the text file collector, in one step; ends with what went wrong. */
export function writePrometheus(
  file: string,
  findings: readonly Finding[],
  counts: Counts,
  now: Date,
): Finding[] {
  const draft = `${file}.${process.pid}`;
  try {
    writeFileSync(draft, prometheusText(findings, counts, now), { flag: 'wx' });
    // The collector is another user, so that the umask must not count.
    chmodSync(draft, 0o644);
    renameSync(draft, file);
    return [];
  } catch (error) {
    rmSync(draft, { force: true });
    const { code = 'unknown error' } = error as NodeJS.ErrnoException;
    const found = `it cannot be written (${code}), so Prometheus sees old numbers`;
    return [{ severity: 'unknown', kind: 'prometheus', subject: file, found }];
  }
}

/** Every kind has its line, also at zero: a series that comes and goes cannot be watched. */
export function prometheusText(
  findings: readonly Finding[],
  { instances, machines, hosts }: Counts,
  now: Date,
): string {
  const byKind = kinds.map((kind) => {
    const count = findings.filter((finding) => finding.kind === kind).length;
    return `outrigger_audit_findings{kind="${kind}"} ${count}`;
  });
  const gauge = (name: string, help: string, lines: readonly string[]): string[] => [
    `# HELP outrigger_audit_${name} ${help}`,
    `# TYPE outrigger_audit_${name} gauge`,
    ...lines,
  ];
  return [
    ...gauge('findings', 'What the last audit found, by kind.', byKind),
    ...gauge('instances', 'Instances that CloudStack lists.', [
      `outrigger_audit_instances ${instances}`,
    ]),
    ...gauge('machines', 'Machines that the hosts showed.', [
      `outrigger_audit_machines ${machines}`,
    ]),
    ...gauge('hosts', 'Hosts that were to be looked at.', [`outrigger_audit_hosts ${hosts}`]),
    ...gauge('time_seconds', 'When the last audit ended.', [
      `outrigger_audit_time_seconds ${Math.round(now.getTime() / 1000)}`,
    ]),
    '',
  ].join('\n');
}
