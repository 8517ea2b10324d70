import type { Deadline } from '../../../contract/context.ts';
import type { SizedInstance } from '../../../contract/instance.ts';
import { expectFailure, Failure, isKind, remoteMessage } from '../../../failure.ts';
import type { Client } from '../api/client.ts';
import { optional, type Reader, u32 } from '../api/xdr.ts';
import type { Settings } from '../settings.ts';

/** KVM, or emulation where the operator allows it and the host has no other. */
export async function kindFor(
  client: Client,
  { emulation }: Settings,
  arch: string,
  deadline: Deadline,
): Promise<'kvm' | 'qemu'> {
  if (emulation === 'always') return 'qemu';
  const why = await withoutKvm(client, arch, deadline);
  if (why === undefined) return 'kvm';
  if (emulation === 'fallback') return 'qemu';
  throw new Failure('config', `The host cannot run ${arch} machines on KVM: ${why}`, {
    advice:
      'Switch virtualization on in its firmware, or set emulation=fallback for machines that run many times slower',
    tenant: 'This host cannot run instances at the moment',
  });
}

/** Why libvirt has no KVM for this architecture; `undefined` where it has. */
export async function withoutKvm(
  client: Client,
  arch: string,
  deadline: Deadline,
): Promise<string | undefined> {
  const ask = { what: 'ask for KVM', deadline };
  const none = optional(undefined);
  const args = [none, optional(arch), none, optional('kvm'), u32(0)];
  try {
    await client.call('domainCapabilities', args, ask, (from) => from.text());
    return undefined;
  } catch (thrown) {
    if (isKind(thrown, 'unreachable', 'timeout', 'denied')) throw thrown;
    return remoteMessage(expectFailure(thrown));
  }
}

const allCells = -1;

/** The bytes of memory that the host could give away, its caches included. */
export async function freeMemory(client: Client, deadline: Deadline): Promise<number> {
  const ask = { what: 'ask for the memory of the host', deadline };
  const read = (from: Reader) => from.list((each) => [each.text(), each.u64()] as const);
  const count = await client.call('memoryStats', [u32(0), u32(allCells), u32(0)], ask, (from) => {
    from.list(() => undefined);
    return from.u32();
  });
  const args = [u32(count), u32(allCells), u32(0)];
  const kibibytes = new Map(await client.call('memoryStats', args, ask, read));
  const of = (key: string): number => kibibytes.get(key) ?? 0;
  return (of('free') + of('buffers') + of('cached')) * 1024;
}

/** QEMU takes memory as the guest uses it: without this, the kernel would end it later. */
export async function refuseWithoutMemory(
  client: Client,
  { memoryBytes }: SizedInstance,
  deadline: Deadline,
): Promise<void> {
  const free = await freeMemory(client, deadline);
  if (memoryBytes <= free) return;
  const mib = (bytes: number): number => Math.floor(bytes / 2 ** 20);
  throw new Failure(
    'conflict',
    `The host has ${mib(free)} MiB of memory left, and the instance needs ${mib(memoryBytes)} MiB`,
    { tenant: 'The host has too little memory left for this instance' },
  );
}
