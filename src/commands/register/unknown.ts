import { knownWords, type Level, unknownDetails } from '../../cloudstack/details.ts';
import { coreFields } from '../../cloudstack/settings.ts';
import type { Wanted } from './wanted.ts';

/** A detail that the provider does not read, and the one that may be meant. */
export interface Unknown {
  readonly where: string;
  readonly key: string;
  readonly meant?: string;
}

/** The details given to this run that nothing reads. */
export function unknownIn({ provider, details, clusters, templates }: Wanted): readonly Unknown[] {
  const words = knownWords(coreFields, provider.settings, provider.blueprint);
  const of = (where: string, own: Level['details']): Unknown[] =>
    unknownDetails([{ name: 'host', details: own }], words).map(({ key, meant }) => ({
      ...{ where, key },
      ...(meant === undefined ? {} : { meant }),
    }));
  return [
    ...of('extension', details),
    ...clusters.flatMap((cluster) => [
      ...of(`cluster ${cluster.name}:`, cluster.details),
      ...cluster.hosts.flatMap((host) => of(`host ${host.name}:`, host.details)),
    ]),
    ...templates.flatMap((template) => of(`template ${template.name}:`, template.details)),
  ];
}

/** As a refusal. */
export function asQuestion({ where, key, meant }: Unknown): string {
  return `${where} detail "${key}" is unknown; did you mean "${meant}"?`;
}
