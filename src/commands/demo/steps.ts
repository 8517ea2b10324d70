/** One call of the demonstration. */
export interface Step {
  readonly action: string;
  readonly why: string;
  /** Custom actions only. */
  readonly parameters?: Readonly<Record<string, unknown>>;
  /** Expected to fail: the machine is gone. */
  readonly fails?: boolean;
  /** A command for the network half. */
  readonly half?: 'network';
  /** The password that it carries. */
  readonly password?: string;
}

// A letter beyond ASCII shows that the answer keeps it as it is.
const snapshot = { snap_name: 'before-upgrade', snap_description: 'Grün, made by the demo' };

const network = (action: string, why: string): Step => ({ action, why, half: 'network' });

/** One instance on a network of its own, from its deployment to the end of the network. */
export const steps: readonly Step[] = [
  { action: 'prepare', why: 'A user deploys an instance. CloudStack first asks what to remember.' },
  network('ensure-network-device', 'Its network is next. CloudStack stores what this prints.'),
  network('implement-network', 'The network is made, and CloudStack is told where it is.'),
  network('prepare-nic', 'Each NIC is announced.'),
  {
    ...network('save-vm-data', 'User data, keys and a password for the guest are kept.'),
    password: 'fJ4tkq',
  },
  {
    action: 'create',
    why: 'The machine is made on that network and started with these data.',
  },
  { action: 'status', why: 'Every minute CloudStack asks whether it runs.' },
  { action: 'statuses', why: 'Newer versions ask for all instances of a host at once.' },
  { action: 'getconsole', why: 'The user opens the console.' },
  { action: 'CreateSnapshot', why: 'The user runs a custom action.', parameters: snapshot },
  { action: 'ListSnapshots', why: 'Another one, whose answer is a table.', parameters: {} },
  { action: 'stop', why: 'The user stops the instance.' },
  network('release-nic', 'Its NIC is free, and the data for the guest stay.'),
  {
    ...network('save-password', 'The user resets the password, which is sent once.'),
    password: 'dC4wR9tz',
  },
  { action: 'status', why: 'It is off.' },
  network('save-vm-data', 'The user starts it again: the data come without the password.'),
  { action: 'start', why: 'NICs, size and the data for the guest are brought up to date.' },
  { action: 'reboot', why: 'The user reboots it.' },
  { action: 'stop', why: 'The user destroys it, so CloudStack stops it first.' },
  network('release-nic', 'Once more.'),
  { action: 'delete', why: 'The machine is removed, and the data for its guest.' },
  { action: 'status', why: 'A machine that is gone is an error, never "off".', fails: true },
  network('shutdown-network', 'A while later the empty network is shut down.'),
  network('destroy-network', 'The user deletes the network.'),
];
