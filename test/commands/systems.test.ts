import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type Shown, systemsOf } from '../../src/commands/audit/systems.ts';
import { libvirt } from '../../src/providers/libvirt/index.ts';

const machines = ['a', 'b'].map((remoteId) => ({
  ...{ remoteId, name: remoteId, power: 'on' as const, mark: undefined },
}));

/** A host of one extension, whose provider tells systems apart or not. */
function shown(endpoint: string, system?: string): Shown {
  const host = { extension: 'one' };
  return { machines, openHost: { provider: { name: 'any' }, host, endpoints: [endpoint], system } };
}

function systemAt(url: string): string | undefined {
  const values: Readonly<Record<string, unknown>> = { url };
  return libvirt.system?.(values);
}

describe('the remote systems that audit looks at', () => {
  it('are one for all hosts of an extension, which may have addresses of their own', () => {
    assert.deepEqual(systemsOf([shown('https://a'), shown('https://b')]), [0, 0]);
  });

  it('are told apart where the provider tells them apart, whatever their machines are called', () => {
    const hosts = ['kvm1', 'KVM2', 'kvm2:16514'].map((host) =>
      shown('same', systemAt(`qemu+tls://${host}/system`)),
    );
    assert.deepEqual(systemsOf(hosts), [0, 1, 1]);
  });
});
