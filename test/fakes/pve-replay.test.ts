import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { replay } from '../../fakes/pve/replay/engine.ts';
import type { Difference, Recorded } from '../../fakes/pve/replay/recorded.ts';
import { sections } from '../../fakes/pve/replay/worlds.ts';
import pve84 from '../../fakes/pve/transcript/pve-8.4.json';
import pve91 from '../../fakes/pve/transcript/pve-9.1.json';

/*
 * The fake against what genuine servers answered: every recorded call is made again, in a world
 * like the recorded one, and status, status line, errors, text, the shape of the data, the names in
 * it, Connection headers, power and the end of each task are compared.
 */

type Version = '8.4' | '9.1';

const recorded = { '8.4': pve84, '9.1': pve91 } as unknown as Readonly<
  Record<Version, Readonly<Record<string, readonly Recorded[]>>>
>;

const stranger =
  'The recorded host could look up pve2, which is not in its cluster, and found no way there (595). ' +
  'To the fake a name outside its cluster is one that nobody can look up (500).';

/** Where the fake answers otherwise on purpose: the call, what differs, why. */
const onPurpose: readonly (readonly [where: string, fields: string, why: string])[] = [
  ['9.1 § 4: vmid taken, on the other node', 'message reason status', stranger],
  ['9.1 § 5: VM exists, but on another node than the path says', 'message reason status', stranger],
  ['9.1 § 5: GET /nodes/pve2/qemu/150/config', 'message reason status', stranger],
  ['9.1 § 5: GET /nodes/pve2/qemu/150/status/current', 'message reason status', stranger],
  ['9.1 § 5: DELETE /nodes/pve2/qemu/150', 'message reason status', stranger],
];

async function replayed(version: Version, section: string, calls: readonly Recorded[]) {
  const stage = await sections[Number(section)]?.(version);
  assert.ok(stage, `section ${section} has no world`);
  try {
    return await replay(version, section, calls, stage);
  } finally {
    await stage.cluster.close();
  }
}

function byCall(differences: readonly Difference[]): Map<string, Difference[]> {
  const calls = new Map<string, Difference[]>();
  for (const one of differences) calls.set(one.where, [...(calls.get(one.where) ?? []), one]);
  return calls;
}

for (const version of ['8.4', '9.1'] as const) {
  describe(`the fake of Proxmox VE ${version}`, () => {
    for (const [section, calls] of Object.entries(recorded[version])) {
      it(`answers the ${calls.length} calls of section ${section} as recorded`, async () => {
        const found = byCall(await replayed(version, section, calls));
        const expected = onPurpose.filter(([where]) =>
          where.startsWith(`${version} § ${section}:`),
        );
        const surprises = [...found].filter(([where, all]) => {
          const fields = all
            .map(({ field }) => field)
            .sort()
            .join(' ');
          return !expected.some(([one, wanted]) => one === where && wanted === fields);
        });
        assert.deepEqual(surprises, []);
        assert.deepEqual(
          expected.map(([where]) => where).filter((where) => !found.has(where)),
          [],
          'a difference that is said to be on purpose is none',
        );
      });
    }
  });
}

describe('the comparison', () => {
  it('covers every call that was recorded', () => {
    const count = (version: Version): number => Object.values(recorded[version]).flat().length;
    assert.deepEqual([count('8.4'), count('9.1')], [533, 315]);
  });

  it('finds each thing that differs', async () => {
    const [first] = recorded['8.4']['1'] ?? [];
    assert.ok(first);
    const config = { ...first, path: '/api2/json/nodes/pve1/qemu/999/config', data: 'null' };
    const missing = "Configuration file 'nodes/pve1/qemu-server/999.conf' does not exist";
    const wrong: readonly Recorded[] = [
      { ...first, status: 201 },
      { ...first, reason: 'Fine' },
      { ...first, data: 'list' },
      { ...first, keys: 'version' },
      { ...first, connection: ['close'] },
      { ...first, task: { type: 'qmstart', exit: 'OK' } },
      { ...first, power: 'running' },
      { ...config, status: 500, reason: missing, keys: '', message: 'other' },
      { ...config, status: 400, reason: missing, errors: { vmid: 'no' }, message: true },
    ];
    for (const call of wrong) {
      const one: Recorded = { ...call, title: 'changed' };
      assert.notDeepEqual(await replayed('8.4', '3', [one]), [], JSON.stringify(one));
    }
    assert.deepEqual(await replayed('8.4', '3', [first]), []);
  });
});
