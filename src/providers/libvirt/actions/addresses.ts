import type { Outcome } from '../../../contract/action.ts';
import type { Deadline } from '../../../contract/context.ts';
import { expectFailure, isKind } from '../../../failure.ts';
import { domainArg } from '../api/domains.ts';
import { type Reader, u32 } from '../api/xdr.ts';
import type { Machine } from '../machine/machines.ts';
import type { Session } from '../machine/session.ts';

/** Where libvirt may know addresses from: the agent in the guest, or the leases of its own networks. */
const sources = { agent: 1, leases: 0 } as const;

type Row = Readonly<Record<'NIC' | 'MAC address' | 'IP address', string>>;

/** A guest without an agent on a network of another DHCP server shows none. */
export async function addressesOf(
  session: Session,
  machine: Machine,
  deadline: Deadline,
): Promise<Outcome> {
  const byAgent = await askFor(session, machine, 'agent', deadline);
  const rows = byAgent.length > 0 ? byAgent : await askFor(session, machine, 'leases', deadline);
  const message = rows.length === 0 ? 'No addresses are known.' : `Addresses: ${rows.length}`;
  return { message, rows };
}

async function askFor(
  { client }: Session,
  { domain }: Machine,
  source: keyof typeof sources,
  deadline: Deadline,
): Promise<readonly Row[]> {
  const ask = { what: `read the addresses of ${domain.name}`, deadline };
  const args = [domainArg(domain), u32(sources[source]), u32(0)];
  try {
    return await client.call('interfaceAddresses', args, ask, rowsIn);
  } catch (thrown) {
    if (isKind(thrown, 'unreachable', 'timeout', 'denied')) throw thrown;
    expectFailure(thrown);
    return [];
  }
}

function rowsIn(from: Reader): readonly Row[] {
  const nics = from.list((each) => ({
    name: each.text(),
    mac: each.optional() ?? '',
    addresses: each.list((one) => {
      one.i32();
      const address = one.text();
      one.u32();
      return address;
    }),
  }));
  return nics
    .filter(({ name }) => name !== 'lo')
    .flatMap(({ name, mac, addresses }) =>
      addresses
        .filter((address) => !address.toLowerCase().startsWith('fe80:'))
        .map((address) => ({ NIC: name, 'MAC address': mac, 'IP address': address })),
    );
}
