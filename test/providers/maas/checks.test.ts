import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as v from 'valibot';
import { readKey } from '../../../fakes/http/keys.ts';
import { plain } from '../../../fakes/maas/answers.ts';
import { type FakeMaas, type Options, startMaas } from '../../../fakes/maas/server.ts';
import type { Mark } from '../../../src/contract/machine.ts';
import type { Check } from '../../../src/contract/provider.ts';
import { createDeadline } from '../../../src/kit/deadline.ts';
import { silent } from '../../../src/kit/log.ts';
import { writeMark } from '../../../src/lifecycle/mark.ts';
import type { Blueprint } from '../../../src/providers/maas/blueprint.ts';
import { checks } from '../../../src/providers/maas/doctor/checks.ts';
import { settings as fields, type Settings } from '../../../src/providers/maas/settings.ts';

type Doctor = (
  more?: Readonly<Record<string, string>>,
  wanted?: Partial<Blueprint>,
) => Promise<ReadonlyMap<string, Check>>;

function withDoctor(
  play: (fake: FakeMaas, doctor: Doctor) => Promise<void>,
  options: Options = {},
) {
  return async () => {
    const fake = await startMaas(options);
    const doctor: Doctor = async (more = {}, wanted = {}) => {
      const times = { endMs: performance.now() + 5_000, undoEndMs: performance.now() + 5_000 };
      const deadline = createDeadline(() => performance.now(), times);
      const context = { deadline, log: silent, installation: '', stateDirectory: () => '' };
      const given = { endpoint: fake.url, apikey: fake.user.key, ...more };
      const found = await checks(settingsFrom(given), context, wanted);
      return new Map(found.map((check) => [check.name, check]));
    };
    try {
      await play(fake, doctor);
    } finally {
      await fake.close();
    }
  };
}

/** As the core makes them from details. */
function settingsFrom(details: Readonly<Record<string, string>>): Settings {
  const entries = Object.entries(fields).flatMap(([key, field]) => {
    const text = details[key] ?? ('default' in field ? field.default : undefined);
    return text === undefined ? [] : [[key, v.parse(field.schema(), text)]];
  });
  return Object.fromEntries(entries) as Settings;
}

function markOf(remoteId: string): Mark {
  const whose = { uuid: 'u', name: 'n', installation: '', remoteId };
  return { ...whose, state: 'built', origin: 'created' };
}

const state = (found: ReadonlyMap<string, Check>, name: string) => found.get(name)?.state;

describe('doctor for MAAS', () => {
  it(
    'finds nothing wrong where nothing is',
    withDoctor(
      async (fake, doctor) => {
        fake.add();
        const annotations = { outrigger: writeMark(markOf('x')) };
        fake.add({ status: 'deployed', owner: 'root', annotations });
        const [, root] = fake.users;
        const more = { apikey: root?.key ?? '', verify_tls_certificate: 'false' };
        const found = await doctor(more);
        for (const { name, state: now } of found.values()) assert.equal(now, 'ok', name);
        assert.match(found.get('endpoint')?.found ?? '', /MAAS 3\.4\.2/);
        assert.match(found.get('machines')?.found ?? '', /1 Ready, 1 Deployed/);
        assert.match(found.get('key')?.found ?? '', /root, an administrator/);
        assert.match(found.get('images')?.found ?? '', /ubuntu\/jammy/);
        assert.match(found.get('DHCP')?.found ?? '', /fabric-0\/untagged/);
      },
      { tls: readKey('trusted') },
    ),
  );

  it(
    'warns of plain http, of a user’s key that nothing ties down, and of what cannot be switched',
    withDoctor(async (fake, doctor) => {
      fake.add({ powerType: 'manual' });
      const found = await doctor();
      for (const name of ['encryption', 'rights', 'power'])
        assert.equal(state(found, name), 'warn', name);
      assert.equal(state(found, 'boot sources'), 'skipped');
      assert.equal(state(await doctor({ api_user: 'cloudstack' }), 'rights'), 'ok');
    }),
  );

  it(
    'tells a wrong key, another user’s key and a wrong address apart',
    withDoctor(async (fake, doctor) => {
      assert.match(
        (await doctor({ apikey: 'a:b:c' })).get('key')?.found ?? '',
        /does not accept the API key/,
      );
      assert.match(
        (await doctor({ api_user: 'other' })).get('key')?.found ?? '',
        /is the one of cloudstack/,
      );
      const wrong = await doctor({ endpoint: `${fake.url}/elsewhere` });
      assert.match(wrong.get('endpoint')?.found ?? '', /no MAAS API/);
      await fake.close();
      assert.equal(state(await doctor(), 'endpoint'), 'fail');
    }),
  );

  it(
    'sees a clock that is off',
    withDoctor(async (fake, doctor) => {
      fake.setClock(120_000);
      assert.equal(state(await doctor(), 'clock'), 'warn');
      fake.setClock(600_000);
      const found = await doctor();
      assert.equal(state(found, 'clock'), 'fail');
      assert.match(found.get('key')?.found ?? '', /10 minutes behind/);
      // One that is ahead does no harm.
      fake.setClock(-600_000);
      const ahead = await doctor();
      assert.equal(state(ahead, 'clock'), 'warn');
      assert.match(ahead.get('clock')?.found ?? '', /^(59|60)\d s ahead of MAAS$/);
      fake.disturb(() => plain(200, '{"version": "3.4"}', { date: 'long ago' }));
      assert.equal(state(await doctor(), 'clock'), 'skipped');
    }),
  );

  it(
    'misses images that are asked for and machines that could be claimed',
    withDoctor(async (fake, doctor) => {
      const found = await doctor({ allowed_series: 'ubuntu/jammy,noble,windows/win2022' });
      assert.equal(found.get('images')?.found, 'not there: windows/win2022');
      assert.equal(state(found, 'machines'), 'fail');
      fake.add({ pool: 'other' });
      assert.equal(state(await doctor({ allowed_pools: 'mine' }), 'machines'), 'fail');
      fake.add({ pool: 'mine', status: 'deployed', owner: 'cloudstack' });
      assert.equal(state(await doctor({ allowed_pools: 'mine' }), 'machines'), 'warn');
    }),
  );

  it(
    'looks only at machines that the operator’s tags let instances have',
    withDoctor(async (fake, doctor) => {
      fake.add({ tags: ['cloud'] });
      fake.add({ tags: ['cloud', 'spare'], powerType: 'manual' });
      assert.equal(state(await doctor(), 'power'), 'warn');
      const without = await doctor({ exclude_tags: 'spare' });
      assert.equal(state(without, 'power'), 'ok', 'the advice was followed');
      assert.equal(without.get('machines')?.found, '1 Ready');
      fake.world.tags.add('gpu');
      const none = (await doctor({ require_tags: 'cloud,gpu' })).get('machines');
      assert.deepEqual([none?.state, none?.found], ['fail', 'none with these pools and tags']);
    }),
  );

  const series: readonly (readonly [Partial<Blueprint>, string | undefined])[] = [
    [{ distro_series: 'jammy' }, undefined],
    [{ distro_series: 'ubuntu/noble', architecture: 'amd64/generic' }, undefined],
    [{ os: 'ubuntu', distro_series: 'noble' }, undefined],
    [{ distro_series: 'ubuntu' }, undefined],
    [{ distro_series: 'centos7' }, undefined],
    [{ distro_series: 'ubuntu/24.04' }, undefined],
    [{ distro_series: 'custom/golden' }, undefined],
    [{ distro_series: 'golden' }, undefined],
    [{ distro_series: 'oracular' }, 'not there: oracular'],
    [{ os: 'centos', distro_series: 'jammy' }, 'not there: centos/jammy'],
    [{ distro_series: 'ubuntu/jam' }, 'not there: ubuntu/jam'],
    [{ distro_series: 'jammy', architecture: 'arm64' }, 'jammy is not there for arm64'],
  ];
  for (const [wanted, found] of series) {
    it(
      `looks for the image that instances ask for: ${Object.values(wanted).join(', ')}`,
      withDoctor(async (fake, doctor) => {
        fake.world.series.add('golden');
        const images = (await doctor({}, wanted)).get('images');
        assert.equal(images?.state, found === undefined ? 'ok' : 'fail');
        if (found !== undefined) assert.equal(images?.found, found);
      }),
    );
  }

  it(
    'skips what this user may not see, and names no more than five machines',
    withDoctor(async (fake, doctor) => {
      for (let count = 0; count < 7; count += 1) fake.add({ powerType: 'manual' });
      fake.disturb(({ path }) => (path === '/fabrics/' ? plain(403, '') : undefined));
      const found = await doctor();
      assert.equal(state(found, 'DHCP'), 'skipped');
      assert.match(found.get('power')?.found ?? '', /^[^,]*(, [^,]*){4} and 2 more$/);
    }),
  );

  it(
    'tells who owns marked machines by now, and what waits for its adoption with which key',
    withDoctor(async (fake, doctor) => {
      const root = { apikey: fake.users[1]?.key ?? '' };
      const annotations = { outrigger: writeMark(markOf('x')) };
      const lost = fake.add({ status: 'broken', annotations });
      fake.add({ status: 'ready', annotations });
      const owners = (await doctor(root)).get('owners');
      assert.equal(owners?.state, 'warn');
      assert.match(
        owners?.found ?? '',
        new RegExp(`of root any more: machine ${lost.systemId} \\S+$`),
      );
      assert.equal(state(await doctor(root), 'adoption'), 'ok');
      const waiting = fake.add({ status: 'deployed', owner: 'cloudstack' });
      const adoption = (await doctor(root)).get('adoption');
      assert.match(
        adoption?.found ?? '',
        new RegExp(`deployed by cloudstack .*${waiting.systemId}`),
      );
      assert.match(adoption?.advice ?? '', /statuses is refused.*key of the user who owns them/);
      assert.equal(state(await doctor({ ...root, shared_user: 'true' }), 'adoption'), 'skipped');
    }),
  );

  it(
    'warns of set_hostname with the key of a user who may not name machines',
    withDoctor(async (fake, doctor) => {
      const wanted = { set_hostname: 'true' };
      assert.equal(state(await doctor(wanted), 'names'), 'warn');
      assert.equal((await doctor({})).get('names'), undefined);
      const root = { apikey: fake.users[1]?.key ?? '' };
      assert.equal((await doctor({ ...wanted, ...root })).get('names'), undefined);
    }),
  );

  it(
    'finds machines that got stuck on their way back with a tenant’s data on them',
    withDoctor(async (fake, doctor) => {
      const machine = fake.add({
        status: 'failed_disk_erasing',
        owner: 'cloudstack',
        annotations: { outrigger: writeMark(markOf('x')) },
      });
      const found = (await doctor()).get('returns');
      assert.equal(found?.state, 'fail');
      assert.match(found?.found ?? '', new RegExp(machine.systemId));
      machine.annotations = {};
      assert.equal(state(await doctor(), 'returns'), 'ok', "it is no instance's");
    }),
  );
});
