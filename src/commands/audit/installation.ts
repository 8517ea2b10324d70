import type { Finding } from './finding.ts';
import type { ListedHost } from './listed.ts';

/** Whether the installation of each host in CloudStack is there, is one, and is kept twice; once for each extension. */
export function installationFindings(hosts: readonly ListedHost[]): readonly Finding[] {
  // The details in a file are what an operator has written, not what CloudStack keeps.
  const findings = hosts.filter(({ cluster }) => cluster !== undefined).flatMap(findingOf);
  const texts = findings.map((finding) => JSON.stringify(finding));
  return findings.filter((_, at) => texts.indexOf(texts[at] ?? '') === at);
}

function findingOf({ extension, cluster = '', levels }: ListedHost): Finding[] {
  const kept = levels.flatMap(({ name, details }) =>
    details['installation'] === undefined ? [] : [{ name, id: details['installation'] }],
  );
  const about = { kind: 'installation', subject: extension } as const;
  const [first] = kept;
  if (first === undefined) {
    return [
      {
        ...{ ...about, severity: 'critical' },
        found: 'it has no installation, so that no machine with a mark counts as one of its own',
        advice:
          'Put it back with `outrigger register NAME --installation ID`, before CloudStack takes instances for stopped; the id is in the marks (foreign-mark)',
      },
    ];
  }
  if (kept.some(({ id }) => id !== first.id)) {
    const words = kept.map(({ name, id }) => `${name} ${id}`).join(', ');
    return [
      {
        ...{ ...about, severity: 'critical' },
        found: `it has two installations: ${words}`,
        advice: '`outrigger register NAME --installation ID` sets both right',
      },
    ];
  }
  const places = kept.map(({ name }) => name);
  if (places.includes('extension') && places.includes('cluster registration')) return [];
  return [
    {
      ...{ ...about, severity: 'warning' },
      found: `its installation ${first.id} is a detail of the ${places.join(' and ')} only, for the cluster ${cluster}: a change of details by hand can lose it`,
      advice: '`outrigger register` keeps it with the extension and with each cluster registration',
    },
  ];
}
