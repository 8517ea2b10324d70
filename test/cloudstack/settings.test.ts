import assert from 'node:assert/strict';
import { chmodSync, chownSync, linkSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import * as v from 'valibot';
import { parametersOf } from '../../src/cloudstack/custom.ts';
import { coreFields } from '../../src/cloudstack/settings.ts';
import type { Action } from '../../src/contract/action.ts';
import type { Field } from '../../src/contract/field.ts';
import type { Provider } from '../../src/contract/provider.ts';
import { Failure } from '../../src/failure.ts';
import { text } from '../../src/kit/fields.ts';
import { registry } from '../../src/providers/index.ts';
import { makePlace, type Place } from '../support/world.ts';
import { type Entry, ledger } from './ledger.ts';
import { changed, type Json, recorded } from './recorded.ts';

const root = process.getuid?.() === 0 ? false : 'only root can make files of root';

describe('settings', () => {
  const { provider, entries } = ledger();
  let place: Place;
  before(() => {
    place = makePlace({ ledger: async () => provider, folio: async () => provider });
    mkdirSync(join(place.folder, 'secrets'), { mode: 0o755 });
  });
  after(() => place.remove());
  const payload = (levels: Record<string, Json>, action = 'create') => {
    let made = recorded(action);
    for (const [level, details] of Object.entries(levels)) {
      const before = (made['externaldetails'] as Record<string, Json>)[level];
      made = changed(made, ['externaldetails', level], { ...before, ...details });
    }
    return made;
  };
  const got = async (levels: Record<string, Json>, action = 'create') => {
    const done = await place.call(action, payload(levels, action));
    assert.equal(done.exitCode, 0, done.text);
    return entries[entries.length - 1] as Entry;
  };
  const error = async (levels: Record<string, Json>, action = 'create') => {
    const asked = entries.length;
    const done = await place.call(action, payload(levels, action));
    assert.equal(done.exitCode, 1, done.text);
    assert.equal(entries.length, asked);
    return String(done.document['error']);
  };

  it('settings come from the host before the cluster registration before the extension', async () => {
    const grace = async (levels: Record<string, Json>) =>
      (await got(levels)).settings['grace_seconds'];
    const extension = { grace_seconds: '1' };
    const resourcemap = { grace_seconds: '2' };
    const host = { grace_seconds: '3' };
    assert.equal(await grace({}), 30);
    assert.equal(await grace({ extension }), 1);
    assert.equal(await grace({ extension, resourcemap }), 2);
    assert.equal(await grace({ extension, resourcemap, host }), 3);
    assert.equal(await grace({ extension, host: { grace_seconds: ' ' } }), 1, 'blank is not given');
  });

  it('settings never come from an instance, wherever a tenant puts them', async () => {
    const tenant = {
      url: 'https://evil.test',
      address: 'https://evil.test',
      grace_seconds: '9',
      secret: 'x',
    };
    const { settings } = await got({ virtualmachine: tenant });
    assert.equal(settings['url'], 'https://pve1.example.org:8006');
    assert.equal(settings['grace_seconds'], 30);
    assert.equal(settings['secret'], 'd3adbeef-0000-4000-8000-000000000001');
  });

  it('a setting may be given under its other name, which existing hosts use', async () => {
    const without = changed(recorded('create'), ['externaldetails', 'host', 'url'], undefined);
    const done = await place.call(
      'create',
      changed(without, ['externaldetails', 'host', 'address'], 'x.test'),
    );
    assert.equal(done.exitCode, 0, done.text);
    assert.equal((entries[entries.length - 1] as Entry).settings['url'], 'x.test');
  });

  it('settings that contradict each other are refused', async () => {
    assert.match(
      await error({ host: { address: 'other' } }),
      /"url" and "address" contradict each other/,
    );
    assert.match(await error({ host: { url: 'paper' } }), /"url" and "grace_seconds" contradict/);
    const twice = { url: 'https://twice.test', address: 'https://twice.test' };
    assert.equal((await got({ host: twice })).settings['url'], 'https://twice.test');
  });

  it('a misspelt detail is suggested when the setting is missing', async () => {
    const text = await place.call(
      'create',
      changed(payload({ host: { urll: 'x' } }), ['externaldetails', 'host', 'url'], undefined),
    );
    assert.match(
      String(text.document['error']),
      /"url" is missing.*did you mean "url" by the host detail "urll"\?/,
    );
  });

  it('an unknown detail fails no call and is named in the log', async () => {
    await got({ host: { grace_second: '4', zzz: '1' } });
    const unread = () =>
      JSON.stringify(place.log().flatMap((line) => line['details'] ?? line['unread'] ?? []));
    assert.match(unread(), /host detail \\"grace_second\\" \(did you mean \\"grace_seconds\\"\?\)/);
    assert.match(unread(), /host detail \\"zzz\\""/);
    await error({ host: { grace_seconds: 'x', yyy: '1' } });
    const failed = place
      .log()
      .filter(({ outcome }) => outcome === 'config')
      .pop();
    assert.match(String(failed?.['unread']), /host detail "yyy"/);
  });

  it('a changing call warns of a detail that nothing reads, of the instance too, and a status does not', async () => {
    const given = { host: { zzz: '1' }, virtualmachine: { disk_size: '9', ledger_id: '7' } };
    const warnings = () =>
      place.log().filter(({ event, level }) => event === 'unread' && level === 'warn');
    const before = warnings().length;
    await got(given, 'create');
    const details = String(warnings().at(-1)?.['details']);
    assert.match(details, /host detail "zzz"/);
    assert.match(details, /instance detail "disk_size" \(did you mean "disk_size_gb"\?\)/);
    assert.doesNotMatch(details, /ledger_id/, 'prepare has stored it');
    await got(given, 'stop');
    assert.doesNotMatch(String(warnings().at(-1)?.['details']), /disk_size/, 'no stop reads it');
    assert.equal(warnings().length, before + 2);
    await got(given, 'status');
    assert.equal(warnings().length, before + 2);
  });

  it('a required setting that stands where it does not count is named there', async () => {
    const misplaced = { virtualmachine: { address: 'https://tenant.test' } };
    const without = changed(payload(misplaced), ['externaldetails', 'host', 'url'], undefined);
    const { document } = await place.call('create', without);
    assert.match(
      String(document['error']),
      /"url" is missing: set it on the host, .*; the instance detail "address" does not count there/,
    );
  });

  it('the log names the details that a start leaves out, with the reason', async () => {
    await got({ virtualmachine: { disk_size_gb: 'nonsense' } }, 'start');
    const line = place
      .log()
      .filter(({ event }) => event === 'left out')
      .pop();
    assert.match(
      String(line?.['details']),
      /"disk_size_gb" is "nonsense" and must be a whole number/,
    );
    assert.equal(line?.['level'], 'warn');
  });

  it('an error about a secret setting never shows its value', async () => {
    const secret = `${'long'.repeat(80)}`;
    const text = await error({ host: { secret } });
    assert.match(text, /"secret" must not be longer/);
    assert.doesNotMatch(text, /longlong/);
    const nodes = await error({ host: { grace_seconds: 'https://root:hunter2@n7' } });
    assert.match(nodes, /"https:\/\/\*\*\*@n7"/);
    const odd = await error({ host: { grace_seconds: 'a@b//c:hunter2@d@e' } });
    assert.match(odd, /"a@b\/\/\*\*\*@e"/);
    const before = process.cpuUsage();
    await error({ host: { grace_seconds: '/'.repeat(300_000) } });
    assert.ok(process.cpuUsage(before).user < 2e6, 'however long it is');
  });

  it("the provider comes from the host before the extension before the script's own name", async () => {
    const start = async (levels: Record<string, Json>, startedAs: string) => {
      const made = payload(levels);
      const { provider: named, ...extension } = (made['externaldetails'] as Record<string, Json>)[
        'extension'
      ] as Json;
      const fresh =
        levels['extension'] === undefined
          ? changed(made, ['externaldetails', 'extension'], extension)
          : made;
      assert.equal(named, 'ledger');
      return place.call('create', fresh, { startedAs });
    };
    for (const name of ['folio', 'folio.sh', 'folio.py', 'ledger']) {
      assert.equal((await start({}, name)).exitCode, 0);
    }
    const none = await start({}, 'outrigger');
    assert.match(
      String(none.document['error']),
      /No provider is set for this extension or host\. Set the extension detail "provider" to one of: ledger, folio/,
    );
    for (const provider of ['folio', 'Folio', 'FOLIO']) {
      assert.equal((await start({ host: { provider } }, 'outrigger')).exitCode, 0, provider);
    }
    assert.match(
      await error({ extension: { provider: 'ledgr' } }),
      /no provider "ledgr"; did you mean "ledger"/,
    );
    assert.match(
      await error({ extension: { provider: 'constructor' } }),
      /no provider "constructor"\. Set/,
    );
  });

  it('an instance may choose only within the limits of the operator', async () => {
    const limits = { allowed_templates: '9*, debian-12', max_disk_gb: '40' };
    const { given } = await got({ host: limits, virtualmachine: { disk_size_gb: '40' } });
    assert.deepEqual(given[1], { template_id: '9000', disk_size_gb: 40, is_full_clone: false });
    const much = await error({ host: limits, virtualmachine: { disk_size_gb: '41' } });
    assert.match(much, /"disk_size_gb" is "41" and is not allowed by the operator's "max_disk_gb"/);
    const other = await error({ host: limits, virtualmachine: { template_id: '8000' } });
    assert.match(other, /not allowed by the operator's "allowed_templates"/);
    const trick = await error({ host: limits, virtualmachine: { template_id: 'debian-12x' } });
    assert.match(trick, /allowed_templates/);
    const long = await error({ host: { max_note: '4' }, virtualmachine: { note: 'hello' } });
    assert.match(long, /"note" is "hello" and is not allowed by the operator's "max_note"/);
    const { given: short } = await got({
      host: { max_note: '5' },
      virtualmachine: { note: 'hello' },
    });
    assert.equal((short[1] as { note?: string }).note, 'hello');
  });

  it("an operator's blueprint defaults may exceed the limits for tenants", async () => {
    const operator = { allowed_templates: 'none', max_disk_gb: '1', disk_size_gb: '500' };
    const made = changed(
      payload({ host: operator }),
      ['externaldetails', 'virtualmachine', 'template_id'],
      undefined,
    );
    const plain = changed(
      made,
      ['cloudstack.vm.details', 'details', 'External:template_id'],
      undefined,
    );
    const done = await place.call(
      'create',
      changed(plain, ['externaldetails', 'extension', 'template_id'], '7'),
    );
    assert.equal(done.exitCode, 0, done.text);
  });

  it('settings are not checked for contradictions while one of them is wrong', async (t) => {
    const { provider: plain } = ledger();
    const never = (): never => {
      throw new Error('what is wrong is not there to be looked at');
    };
    const strict = { ...plain, settingsIssues: never, blueprintIssues: never };
    const other = makePlace({ ledger: async () => strict });
    t.after(other.remove);
    const wrong = { host: { url: '', grace_seconds: 'long' }, virtualmachine: { template_id: '' } };
    const { text: said } = await other.call('create', payload(wrong));
    for (const key of ['url', 'grace_seconds', 'template_id']) assert.ok(said.includes(key), said);
    assert.doesNotMatch(said, /should not happen/);
    const lenient = { ...strict, settingsIssues: () => [] };
    const started = makePlace({ ledger: async () => lenient });
    t.after(started.remove);
    assert.equal((await started.call('start', payload({}))).exitCode, 0);
  });

  it('a blueprint that contradicts the settings fails a create and not a start', async (t) => {
    const blueprintIssues = ({ disk_size_gb }: Json, { grace_seconds }: Json) =>
      disk_size_gb === 7 ? [`7 GiB within ${grace_seconds} s`] : [];
    const strict = makePlace({
      ledger: async () => ({ ...provider, blueprintIssues }) as Provider,
    });
    t.after(strict.remove);
    const tell = async (action: string) => {
      const made = payload({ virtualmachine: { disk_size_gb: '7' } }, action);
      return (await strict.call(action, made)).text;
    };
    assert.match(await tell('create'), /could not be created: 7 GiB within 30 s/);
    assert.match(await tell('start'), /Instance started/, 'which builds nothing');
  });

  it('a secret of the blueprint or of the policy is masked like one of the settings', async (t) => {
    const key = { about: 'Secret', schema: text(), secret: true } as const;
    const { provider: plain } = ledger({
      create: async (_, blueprint) => {
        throw new Failure('upstream', `Refused ${JSON.stringify(blueprint)}`);
      },
      run: {
        Look: async ({ policy }) => {
          throw new Failure('upstream', 'x', { tenant: `Refused ${JSON.stringify(policy)}` });
        },
      },
    });
    const Look = { ...(plain.actions['Look'] as Action), policy: { vendor: key } };
    const keyed = { ...plain, blueprint: { key }, actions: { Look } };
    const other = makePlace({ ledger: async () => keyed });
    t.after(other.remove);
    const made = payload({ virtualmachine: { key: 'geheim77' } });
    assert.match((await other.call('create', made)).text, /Refused .*key\\":\\"\*\*\*/);
    const look = { ...recorded('custom'), action: 'Look', parameters: {} };
    assert.match((await other.call('Look', look)).text, /Refused .*vendor\\":\\"\*\*\*/);
    assert.doesNotMatch(JSON.stringify(other.log()), /geheim77|acme/);
  });

  it('a start leaves out blueprint details that only a create needs', async () => {
    const entry = await got({ virtualmachine: { disk_size_gb: 'nonsense' } }, 'start');
    assert.deepEqual(entry.given[1], { template_id: '9000', is_full_clone: false });
  });

  it('a secrets directory that cannot be read fails with the path of the secret file', async (t) => {
    const blocked = makePlace({ ledger: async () => provider });
    t.after(blocked.remove);
    const secrets = join(blocked.payload('', 'a-file'), 'secrets');
    const configFile = blocked.payload({ secrets_directory: secrets }, 'config-2.json');
    const done = await blocked.call('create', payload({ host: { ca_file: 'ca.pem' } }), {
      configFile,
    });
    const expected = `host detail "ca_file": Cannot use the secret file ${secrets}/ca.pem: `;
    assert.ok(String(done.document['error']).includes(expected), done.text);
    assert.doesNotMatch(done.text, /should not happen/);
  });

  describe('in files', { skip: root }, () => {
    const file = (name: string, content: string, mode = 0o640) => {
      const path = join(place.folder, 'secrets', name);
      writeFileSync(path, content);
      chmodSync(path, mode);
      return path;
    };

    it('a secret file is read from the secrets directory, without the line break', async () => {
      file('ledger.token', 'from a file\n');
      const made = changed(recorded('create'), ['externaldetails', 'host', 'secret'], undefined);
      const done = await place.call(
        'create',
        changed(made, ['externaldetails', 'host', 'secret_file'], 'ledger.token'),
      );
      assert.equal(done.exitCode, 0, done.text);
      assert.equal((entries[entries.length - 1] as Entry).settings['secret'], 'from a file');
    });

    it('a secret from a file with blanks around it is masked', async (t) => {
      file('blank.token', ' geheim77 \n');
      const { provider: telling } = ledger({
        create: async () => {
          throw new Failure('upstream', 'Refused geheim77 for now');
        },
      });
      const other = makePlace(
        { ledger: async () => telling },
        { secrets_directory: join(place.folder, 'secrets') },
      );
      t.after(other.remove);
      const host = ['externaldetails', 'host'];
      const made = changed(recorded('create'), [...host, 'secret'], undefined);
      const done = await other.call(
        'create',
        changed(made, [...host, 'secret_file'], 'blank.token'),
      );
      assert.match(String(done.document['error']), /^Refused \*\*\* for now/);
    });

    it('a setting that names a file gets the content of the file', async () => {
      file('ca.pem', 'CERTIFICATE');
      const { settings } = await got({ host: { ca_file: 'ca.pem' } });
      assert.equal(settings['ca_file'], 'CERTIFICATE');
    });

    it('a secret file is refused in a directory that another user owns or can write', async () => {
      file('ca.pem', 'CERTIFICATE');
      const folder = join(place.folder, 'secrets');
      const refused = /must belong to root and be writable by root only/;
      try {
        chmodSync(folder, 0o775);
        assert.match(await error({ host: { ca_file: 'ca.pem' } }), refused);
        chmodSync(folder, 0o755);
        chownSync(folder, 65534, 65534);
        assert.match(await error({ host: { ca_file: 'ca.pem' } }), refused);
      } finally {
        chmodSync(folder, 0o755);
        chownSync(folder, 0, 0);
      }
    });

    it('a secret file is never read for an instance', async (t) => {
      file('ledger.key', 'from a file');
      const key = { about: 'Secret', schema: text(), secret: true } as const;
      const other = makePlace(
        { ledger: async () => ({ ...provider, blueprint: { key } }) },
        { secrets_directory: join(place.folder, 'secrets') },
      );
      t.after(other.remove);
      const own = payload({ virtualmachine: { key_file: 'ledger.key' } });
      const refusal = await other.call('create', own);
      assert.match(refusal.text, /instance detail \\"key_file\\" may not name a file/);
      const host = payload({ host: { key_file: 'ledger.key' } });
      assert.equal((await other.call('create', host)).exitCode, 0);
      assert.deepEqual((entries[entries.length - 1] as Entry).given[1], { key: 'from a file' });
    });

    it('a secret file that another user could read, write or redirect is refused', async () => {
      file('world', 'x', 0o644);
      file('group', 'x', 0o660);
      const owned = file('owned', 'x');
      chownSync(owned, 65534, 65534);
      symlinkSync('/etc/passwd', join(place.folder, 'secrets/link'));
      linkSync(file('twice', 'x'), join(place.folder, 'secrets/hard'));
      mkdirSync(join(place.folder, 'secrets/folder'));
      const cases = {
        world: /lets other users read/,
        group: /write it/,
        owned: /belong to root/,
        link: /a link/,
        hard: /one name/,
        folder: /regular file/,
        missing: /no such file/,
      };
      for (const [name, expected] of Object.entries(cases)) {
        assert.match(await error({ host: { ca_file: name } }), expected, name);
      }
    });

    it('a secret file is refused under any name that is not a bare file name', async () => {
      for (const name of ['../ca.pem', '/etc/passwd', '.hidden', 'a/b', 'a b']) {
        assert.match(await error({ host: { ca_file: name } }), /not the bare name of a file/);
      }
    });
  });
});

describe('the definitions of every provider', () => {
  for (const [name, load] of Object.entries(registry)) {
    it(`the fields of ${name} have defaults and examples that their own schemas accept`, async () => {
      const provider = await load();
      const parameters = Object.values(provider.actions).map((action) => parametersOf(action));
      for (const fields of [coreFields, provider.settings, provider.blueprint, ...parameters]) {
        for (const [key, field] of Object.entries<Field>(fields)) {
          const texts = field.file === true ? [field.default] : [field.default, field.example];
          for (const text of texts) {
            if (text === undefined) continue;
            const { success } = v.safeParse(field.schema(), text);
            assert.ok(success, `${key} does not take ${JSON.stringify(text)}`);
          }
        }
      }
    });

    it(`what an instance of ${name} chooses is limited by settings that exist`, async () => {
      const { blueprint, settings } = await load();
      for (const [key, { within }] of Object.entries<Field>(blueprint)) {
        if (within !== undefined) assert.ok(Object.hasOwn(settings, within), `${key}: ${within}`);
      }
    });
  }
});
