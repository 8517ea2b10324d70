import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { displayDoubts } from '../../src/commands/as-cloudstack/custom-result.ts';
import { Failure } from '../../src/failure.ts';
import { makePlace, type Place } from '../support/world.ts';
import { ledger, refused } from './ledger.ts';
import { changed, type Json, recorded } from './recorded.ts';

const ask = (more: Json = {}): Json => ({
  ...recorded('custom'),
  action: 'ShowErrors',
  parameters: undefined,
  ...more,
});
const asAdmin = (payload: Json) => changed(payload, ['caller', 'roletype'], 'Admin');

/** A world in which everything fails with a text that only operators may read. */
function broken(config: Json = {}) {
  const fail = async () => {
    throw refused;
  };
  const busy = async () => {
    throw new Failure('conflict', 'Node n7 is busy', { tenant: 'The instance is being copied' });
  };
  const run = { Look: busy, Wipe: fail };
  const members = { start: fail, reboot: fail, power: fail, powers: fail, run };
  const { provider, entries } = ledger(members);
  return { place: makePlace({ ledger: async () => provider }, config), entries };
}

async function shown(place: Place, payload = ask()): Promise<Record<string, string>[]> {
  const done = await place.call('ShowErrors', payload);
  assert.equal(done.exitCode, 0, done.text);
  assert.deepEqual(displayDoubts(done.text), []);
  return done.document['message'] as Record<string, string>[];
}

describe('ShowErrors', () => {
  it('shows a tenant the neutral text of each failure, the newest first, with time and reference', async (t) => {
    const { place, entries } = broken();
    t.after(place.remove);
    const started = await place.call('start', recorded('start'));
    const looked = await place.call('Look', { ...recorded('custom'), action: 'Look' });
    const asked = entries.length;
    const [first, second, ...none] = await shown(place);
    assert.equal(entries.length, asked, 'nothing is asked of the provider');
    assert.deepEqual(none, []);
    assert.deepEqual(Object.keys(first ?? {}), ['Time', 'Action', 'Reference', 'Reason']);
    assert.match(String(first?.['Time']), /^\d{4}-\d\d-\d\d \d\d:\d\d UTC$/);
    assert.deepEqual(
      [first?.['Action'], first?.['Reference'], first?.['Reason']],
      ['Look', looked.document['ref'], 'The instance is being copied.'],
    );
    assert.deepEqual(
      [second?.['Action'], second?.['Reference']],
      ['start', started.document['ref']],
    );
    const reason = String(second?.['Reason']).replace(/\n/g, '');
    assert.equal(
      reason,
      'The instance could not be started: the system that runs it refused; please tell your administrator.',
    );
  });

  it('shows an administrator the whole text, and who called', async (t) => {
    const { place } = broken();
    t.after(place.remove);
    await place.call('start', recorded('start'));
    const [row] = await shown(place, asAdmin(ask()));
    const { name } = recorded('start')['caller'] as { name: string };
    assert.equal(row?.['Called by'], name);
    const reason = String(row?.['Reason']).replace(/\n/g, '');
    assert.equal(reason, 'Cannot reach node n7 of customer Zed: paper jam. Look into tray 2.');
  });

  it('shows nothing of other instances, of status calls, of successes and of itself', async (t) => {
    const { place } = broken();
    t.after(place.remove);
    const other = changed(
      changed(recorded('start'), ['virtualmachineid'], undefined),
      ['cloudstack.vm.details', 'uuid'],
      '11111111-1111-4111-8111-111111111111',
    );
    await place.call('start', other);
    await place.call('status', recorded('status'));
    await place.call('statuses', recorded('statuses'));
    await place.call('stop', recorded('stop'));
    await shown(place);
    assert.deepEqual(await shown(place), [{ Result: 'No failures of this instance are known.' }]);
  });

  it('shows a tenant no failures of actions that only administrators may run', async (t) => {
    const { place } = broken();
    t.after(place.remove);
    const confirm = 'i-2-42-VM';
    const wipe = { ...recorded('custom'), action: 'Wipe', parameters: { confirm } };
    await place.call('Wipe', asAdmin(wipe));
    assert.equal((await shown(place))[0]?.['Action'], undefined);
    assert.equal((await shown(place, asAdmin(ask())))[0]?.['Action'], 'Wipe');
  });

  it('shows the last ten', async (t) => {
    const { place } = broken();
    t.after(place.remove);
    let last = {};
    for (let count = 0; count < 12; count += 1) {
      last = (await place.call('reboot', recorded('reboot'))).document;
    }
    const rows = await shown(place);
    assert.equal(rows.length, 10);
    assert.equal(rows[0]?.['Reference'], (last as Json)['ref']);
  });

  it('works while the settings are what makes the instance fail', async (t) => {
    const { place } = broken();
    t.after(place.remove);
    const without = (payload: Json) => changed(payload, ['externaldetails', 'host'], {});
    const noUrl = (payload: Json) =>
      changed(without(payload), ['externaldetails', 'extension', 'url'], undefined);
    const started = await place.call('start', noUrl(recorded('start')));
    assert.match(started.text, /\\"url\\" is missing|"url" is missing/);
    const [row] = await shown(place, noUrl(ask()));
    assert.match(String(row?.['Reason']), /not set up\s+correctly/);
  });

  it('leaves the failure memory as it is, since it asks no remote system', async (t) => {
    const gone = async () => {
      throw new Failure('unreachable', 'n7 does not answer');
    };
    const { provider, entries } = ledger({ power: gone });
    const place = makePlace({ ledger: async () => provider });
    t.after(place.remove);
    await place.call('status', recorded('status'));
    await shown(place);
    await place.call('status', recorded('status'));
    assert.equal(entries.length, 1, 'the second status repeats what the first one met');
  });

  it('shows a call that was killed, and none that still runs', async (t) => {
    const { place } = broken();
    t.after(place.remove);
    const { uuid } = recorded('start')['cloudstack.vm.details'] as { uuid: string };
    const begin = (call: string, action: string, pid: number): string =>
      JSON.stringify({
        ...{ time: '2026-11-30T12:00:00Z', level: 'info', event: 'begin', ref: `r-${call}` },
        ...{ call, pid, host: 'ms1', action, vm: uuid },
      });
    // This process has not the action among its arguments, so that its id counts as used again.
    const ids = [begin('gone', 'create', 2 ** 22 + 1), begin('reused', 'start', process.pid)];
    const sleeper = spawn('sleep', ['30'], { argv0: 'Look' });
    t.after(() => sleeper.kill());
    const running = begin('runs', 'Look', sleeper.pid ?? 0);
    writeFileSync(place.logFile, `${[...ids, running].join('\n')}\n`);
    const rows = await shown(place);
    assert.deepEqual(
      rows.map((row) => row['Reference']),
      ['r-reused', 'r-gone'],
    );
    assert.match(String(rows[1]?.['Reason']), /^The call was killed before it could answer/);
  });

  it('passes over lines that another process was killed in', async (t) => {
    const { place } = broken();
    t.after(place.remove);
    await place.call('start', recorded('start'));
    const { uuid } = recorded('start')['cloudstack.vm.details'] as { uuid: string };
    writeFileSync(place.logFile, `{"time":"2026-11-30T12:00:00Z","event":"call","vm":"${uuid}`, {
      flag: 'a',
    });
    assert.equal((await shown(place))[0]?.['Action'], 'start');
  });

  it('says so where the log is switched off', async (t) => {
    const { place } = broken({ log: { enabled: false } });
    t.after(place.remove);
    const done = await place.call('ShowErrors', ask());
    assert.equal(done.exitCode, 1);
    assert.match(String(done.document['error']), /Failures are not kept here/);
  });
});
