import type { GuestRecord } from '../../contract/guest-store.ts';
import type { Broadcast, Network } from '../../contract/network.ts';
import type { GuestLife } from '../../lifecycle/network/guests.ts';
import type { NetworkLife } from '../../lifecycle/network/networks.ts';
import type { Body } from '../call-result.ts';
import { isObject } from './payload.ts';

/*
 * The commands of CloudStack's network half. Each says what its failure costs, which decides whether it
 * may fail at all: CloudStack waits for ever, shows a failure to no user and repeats most of them.
 */

type Fields = Readonly<Record<string, unknown>>;

interface RowFacts {
  /** The damage of a failure: ends the sentence `its failure costs ...`. */
  readonly failing: string;
}

/** Answers with success at once: there is nothing to do, or nothing that may depend on it. */
interface QuietRow extends RowFacts {
  readonly kind: 'quiet';
  /** CloudStack stores the output of this one and is lost when it is no JSON: nothing is printed. */
  readonly silent?: boolean;
}

/** A service that we do not serve, unless the call asks for nothing of it. */
interface ForeignRow extends RowFacts {
  readonly kind: 'foreign';
  readonly service: string;
  /** The list of rules in the payload; the call asks for nothing where all of them are revoked. */
  readonly rules?: (fields: Fields) => readonly unknown[];
}

/** Concerns the remote network; without remote networks it succeeds at once. */
interface NetworkRow extends RowFacts {
  readonly kind: 'network';
  call(life: NetworkLife, network: Network): Promise<Broadcast | undefined>;
  /** The same for the stored data of the network's guests. */
  guests?(life: GuestLife, network: Network): Promise<void>;
}

/** Concerns the data of guests; refused where the provider keeps none, since the data would be lost. */
interface GuestRow extends RowFacts {
  readonly kind: 'guest';
  call(life: GuestLife, fields: Fields): Promise<void>;
  /** Its failure costs more than its work is worth: it is logged, and answered as a success. */
  readonly neverFails?: boolean;
}

interface CustomRow extends RowFacts {
  readonly kind: 'custom';
}

export type CommandRow = QuietRow | ForeignRow | NetworkRow | GuestRow | CustomRow;

const ignored = 'nothing: CloudStack does not look at it';
const startFails = 'the start, which is tried ten times more';
const ruleFails = "the user's call, or the start that implements the network";

const quiet = (failing = ignored): QuietRow => ({ kind: 'quiet', failing });
const foreign = (service: string, rules?: ForeignRow['rules']): ForeignRow => ({
  ...{ kind: 'foreign', service, failing: ruleFails },
  ...(rules === undefined ? {} : { rules }),
});

const networks = () => import('../../lifecycle/network/networks.ts');
const guests = () => import('../../lifecycle/network/guests.ts');
const reader = () => import('./read-guest.ts');

export const commands: Readonly<Record<string, CommandRow>> = {
  'ensure-network-device': { ...quiet('a warning in the log; the old details stay'), silent: true },
  'implement-network': {
    kind: 'network',
    failing: 'the start; the network is shut down, and the start is tried once more',
    call: async (life, network) => (await networks()).implement(life, network),
  },
  'restore-network': {
    kind: 'guest',
    failing: 'the start, and the whole zone for it',
    neverFails: true,
    async call(life, fields) {
      const records = (await reader()).readRestored(fields, life.now);
      await (await guests()).restoreGuests(life, records);
    },
  },
  'shutdown-network': {
    kind: 'network',
    failing: 'every start on the network, until it succeeds',
    async call(life, network) {
      await (await networks()).shutDown(life, network);
      return undefined;
    },
  },
  'destroy-network': {
    kind: 'network',
    failing: 'the deletion of the network, which can be repeated',
    async call(life, network) {
      await (await networks()).destroy(life, network);
      return undefined;
    },
    guests: async (life, { id }) => (await guests()).forgetNetwork(life, id),
  },
  'save-vm-data': {
    kind: 'guest',
    failing: startFails,
    async call(life, fields) {
      const record = (await reader()).readGuest(fields, life.now);
      await (await guests()).saveGuest(life, record);
    },
  },
  'save-password': {
    kind: 'guest',
    failing: "the user's call",
    async call(life, fields) {
      const { password } = fields;
      const record = await nicRecord(fields, life.now);
      if (typeof password !== 'string' || password === '') return;
      await (await guests()).savePassword(life, { ...record, password });
    },
  },
  'save-sshkey': {
    kind: 'guest',
    failing: "the user's call",
    async call(life, fields) {
      const { nicUuid } = await nicRecord(fields, life.now);
      const keys = String(fields['sshkey'] ?? '').split(/[\r\n]+/);
      await (await guests()).saveKeys(
        life,
        nicUuid,
        keys.filter((key) => key.trim() !== ''),
      );
    },
  },
  // Carries the text from before the change; the next start brings the new one.
  'save-userdata': quiet("the user's call, although CloudStack has stored the new text"),
  'prepare-nic': quiet(),
  // Comes at every stop, so that the guest's data have to stay.
  'release-nic': quiet(),
  'save-hypervisor-hostname': quiet(),
  'remove-dhcp-entry': quiet(),
  'remove-dhcp-subnet': quiet(),
  'remove-dns-entry': quiet(),
  'remove-dns-subnet': quiet(),
  'release-ip': quiet(ruleFails),
  'delete-static-nat': quiet(ruleFails),
  'delete-port-forward': quiet(ruleFails),
  'shutdown-vpc': quiet('the deletion of the VPC'),
  'update-vpc-source-nat-ip': quiet(),
  'add-dhcp-entry': foreign('Dhcp'),
  'config-dhcp-subnet': foreign('Dhcp'),
  'add-dns-entry': foreign('Dns'),
  'config-dns-subnet': foreign('Dns'),
  'assign-ip': foreign('SourceNat'),
  'add-static-nat': foreign('StaticNat'),
  'add-port-forward': foreign('PortForwarding'),
  'apply-fw-rules': foreign('Firewall', firewallRules),
  'apply-lb-rules': foreign('Lb', ({ lb_rules }) =>
    listOf(lb_rules).filter((rule) => !isObject(rule) || rule['revoke'] !== true),
  ),
  'apply-network-acl': foreign('NetworkACL', ({ acl_rules }) => listOf(acl_rules)),
  'implement-vpc': foreign('SourceNat'),
  'custom-action': { kind: 'custom', failing: "the user's call, without our reason" },
};

async function nicRecord(fields: Fields, now: Date): Promise<GuestRecord> {
  const [{ recordOf }, { readNic }] = await Promise.all([reader(), import('./read.ts')]);
  return recordOf(readNic(fields), now);
}

/** At a shutdown the whole set comes once more, and is to be taken away. */
function firewallRules({ fw_rules, network_state }: Fields): readonly unknown[] {
  if (!isObject(fw_rules) || network_state === 'shutdown') return [];
  const closed = fw_rules['default_egress_allow'] === false ? ['nothing may leave'] : [];
  return [...closed, ...listOf(fw_rules['rules'])];
}

function listOf(given: unknown): readonly unknown[] {
  return Array.isArray(given) ? given : [];
}

/** The keys that CloudStack reads of the one answer that says something; the text is checked first. */
export function broadcastBody({ uri, type }: Broadcast): Body {
  return { 'network.broadcast_uri': uri, 'network.broadcast_domain_type': type };
}
