/** How bad a finding is, in the words of Nagios; `unknown`: a host could not be asked, or a file not be written. */
export type Severity = 'warning' | 'critical' | 'unknown';

/** Every kind of finding about machines and networks; each is a series for Prometheus. */
export const kinds = [
  'orphan',
  'left-behind',
  'leftover',
  'duplicate',
  'copy',
  'unreadable-mark',
  'foreign-mark',
  'other-host',
  'lost-mark',
  'missing',
  'partial',
  'renamed',
  'vlan',
  'nic',
  'size',
  'power',
  'remark',
  'installation',
  'network',
  'guest-data',
  'unreachable-host',
  'unreachable-networks',
] as const;

/** `prometheus`: its file could not be written, so that no series can tell. */
export type Kind = (typeof kinds)[number] | 'prometheus';

/** One deviation, and the advice about it. */
export interface Finding {
  readonly severity: Severity;
  readonly kind: Kind;
  /** The instance, the machine or the host that it is about. */
  readonly subject: string;
  readonly found: string;
  readonly advice?: string;
}
