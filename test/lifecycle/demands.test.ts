import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { SizedInstance } from '../../src/contract/instance.ts';
import { checkLinks, checkNew } from '../../src/lifecycle/demands.ts';
import { inMemory } from '../support/in-memory.ts';

const instance = (linkDown?: boolean): SizedInstance => ({
  ...{ uuid: 'u', name: 'i-2-42-VM', deploying: false, stored: {}, cpus: 1, memoryBytes: 1 },
  nics: [
    {
      ...{ deviceId: 3, uuid: 'n', mac: '02:00:00:00:00:01', isDefault: true, network: {} },
      segment: { kind: 'untagged' },
      ...(linkDown === undefined ? {} : { linkDown }),
    },
  ],
});

describe('a NIC that CloudStack has disabled', () => {
  it('is refused where the link cannot be taken down, and is no obstacle elsewhere', () => {
    assert.throws(() => checkLinks(inMemory({}), instance(true)), /NIC 3 of i-2-42-VM is disabled/);
    checkLinks(inMemory({ takesLinksDown: true }), instance(true));
    checkLinks(inMemory({}), instance(false));
    checkLinks(inMemory({}), instance());
  });
});

describe('user data and a password', () => {
  const facts = { instanceId: 'i', hostname: 'web', publicKeys: [], nics: [], metadata: {} };
  const told = (guest: object) => ({ ...instance(), guest: { ...facts, ...guest } });

  it('make a create fail where the guest would never get them', () => {
    const deaf = inMemory({});
    assert.throws(
      () => checkNew(deaf, told({ userData: Buffer.from('x') })),
      /User data of i-2-42-VM cannot be handed/,
    );
    assert.throws(() => checkNew(deaf, told({ password: 'x' })), /A password of i-2-42-VM cannot/);
    checkNew(deaf, told({}));
    checkNew(inMemory({ tellsGuests: true }), told({ userData: Buffer.from('x') }));
    checkLinks(deaf, told({ userData: Buffer.from('x') }));
  });
});
