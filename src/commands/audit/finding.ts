/** How bad a finding is, in the words of Nagios; `unknown`: something could not be looked at. */
export type Severity = 'warning' | 'critical' | 'unknown';

/** Every kind of finding about machines; each is a series for Prometheus. */
export const kinds = [
  'orphan',
  'left-behind',
  'leftover',
  'duplicate',
  'copy',
  'unreadable-mark',
  'foreign-mark',
  'lost-mark',
  'missing',
  'half-made',
  'renamed',
  'vlan',
  'nic',
  'size',
  'power',
  'remark',
  'unreachable-host',
] as const;

/** `prometheus`: its file could not be written, so that no series can tell. */
export type Kind = (typeof kinds)[number] | 'prometheus';

/** One thing that is not as it has to be, and what to do about it. */
export interface Finding {
  readonly severity: Severity;
  readonly kind: Kind;
  /** The instance, the machine or the host that it is about. */
  readonly subject: string;
  readonly found: string;
  readonly advice?: string;
}
