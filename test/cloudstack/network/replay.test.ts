import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { Place } from '../../support/world.ts';
import { type Answer, commandOf, names, newPlace, play } from './recorded.ts';

/*
 * Every payload that a CloudStack 4.23 wrote for a network extension, played with the simulator. The
 * recorded networks have all services; those that are left to the virtual router are refused.
 */

/** Services that another provider has to serve. What takes them away again succeeds. */
const refused = [
  ...['add-dhcp-entry', 'config-dhcp-subnet', 'add-dns-entry', 'config-dns-subnet', 'assign-ip'],
  ...['add-static-nat', 'add-port-forward', 'apply-fw-rules', 'apply-lb-rules'],
  ...['apply-network-acl', 'implement-vpc'],
];

/** The files whose answer is not the one of all others with their command, with the reasons. */
const exceptions: Readonly<Record<string, 0 | 1>> = {
  // No rule, and nothing is forbidden: the call asks for nothing.
  'isolated-first-deploy-apply-fw-rules': 0,
  'vpc-tier-shutdown-apply-network-acl': 0,
  // Every rule in it is revoked.
  'isolated-apply-lb-rules-delete': 0,
  // CloudStack has read the compressed user data as text.
  'l2-save-vm-data-gzip-destroyed': 1,
  // The recording extension's own actions.
  'network-custom-action': 1,
  'vpc-custom-action': 1,
};

function expectedFor(name: string): 0 | 1 {
  return exceptions[name] ?? (refused.includes(commandOf(name)) ? 1 : 0);
}

describe('the network payloads of CloudStack 4.23', () => {
  let place: Place;
  const answers = new Map<string, Answer>();
  before(async () => {
    place = newPlace();
    for (const name of names) answers.set(name, await play(place, name));
  });
  after(() => place.remove());

  it('are all there', () => assert.equal(names.length, 110));

  for (const name of names) {
    it(`${name} is answered as CloudStack needs it`, () => {
      const { exitCode = -1, text = '' } = answers.get(name) ?? {};
      assert.equal(exitCode, expectedFor(name), text);
      if (commandOf(name) === 'ensure-network-device') return assert.equal(text, '');
      assert.match(text, /^[\n\x20-\x7e]+$/, 'plain ASCII');
      assert.doesNotMatch(text, /\\u[0-9a-f]{4}/i, 'no escape that CloudStack un-escapes');
      const { status } = JSON.parse(text) as { status: unknown };
      assert.equal(status, exitCode === 0 ? 'success' : 'error');
    });
  }

  it('show no secret in an answer or in the log', () => {
    const texts = [...[...answers.values()].map(({ text }) => text), JSON.stringify(place.log())];
    for (const text of texts) assert.doesNotMatch(text, /DUMMY/);
  });

  it('say where a network is each time it is implemented, the same for the same network', () => {
    const uri = (name: string): string => {
      const document = JSON.parse(answers.get(name)?.text ?? '') as Record<string, string>;
      assert.equal(document['network.broadcast_domain_type'], 'Vswitch');
      return document['network.broadcast_uri'] ?? '';
    };
    const first = uri('isolated-first-deploy-implement-network');
    assert.match(first, /^vs:\/\/or[a-z0-9]{10}$/);
    assert.equal(uri('isolated-restart-implement-network'), first);
    assert.equal(uri('isolated-after-gc-implement-network'), first, 'the VLAN is another one');
    assert.notEqual(uri('vpc-tier-implement-network'), first);
  });
});
