import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { runCommand } from '../../src/commands/run.ts';
import { startInventedHypervisor } from './invented-hypervisor.ts';
import { executable, fixture, temporaryDirectory } from './scripts.ts';
import { createWorld } from './world.ts';

interface Rule {
  readonly id: string;
  readonly level: string;
  readonly state: string;
  readonly reason: string;
  readonly evidence?: { readonly step: string; readonly output: string };
}

interface Report {
  readonly verdict: string;
  readonly rules: readonly Rule[];
  readonly calls: readonly { readonly step: string }[];
}

/** A conform of an executable: the report, the broken musts, and one rule by its id. */
async function conform(...args: string[]) {
  // Node's tools verify the certificates of the fakes with this.
  const world = createWorld({ env: { NODE_EXTRA_CA_CERTS: 'fakes/http/keys/authority.pem' } });
  const code = await runCommand(['conform', ...args, '--json'], world);
  const report = JSON.parse(world.printed()) as Report;
  const ids = (state: string): string[] =>
    report.rules.filter((rule) => rule.state === state).map(({ id }) => id);
  const rule = (id: string): Rule | undefined => report.rules.find((each) => each.id === id);
  return { code, report, broken: ids('fail'), passed: ids('pass'), rule };
}

describe('conform is not content with', { concurrency: 2 }, () => {
  test('a naive script of 19 lines: it judges whose instance is touched, the way of a secret, the certificate and the escapes', async () => {
    const { url } = await startInventedHypervisor();
    const details = [`url=${url}/vm`, 'token=a-token-of-the-operator', '--action', 'Annotate'];
    const { code, broken, rule, report } = await conform(fixture('naive.sh'), ...details);
    assert.equal(code, 1);
    assert.deepEqual(broken, [
      'foreign-action-key',
      'namesake-status',
      'namesake-untouched',
      'one-document',
      'escapes',
      'arguments',
      'certificate',
    ]);
    assert.match(rule('namesake-untouched')?.reason ?? '', /after that stop, .* says PowerOff/);
    assert.match(rule('escapes')?.reason ?? '', /an escape that makes CloudStack's own answer/);
    assert.match(rule('arguments')?.reason ?? '', /^"vmctl.js" was .* host detail "token" \(in/);
    assert.match(rule('certificate')?.reason ?? '', /sent GET .* with the host detail "token"/);
    assert.match(report.verdict, /naive\.sh breaks 7 of the musts: foreign-action-key, /);
    assert.doesNotMatch(JSON.stringify(report), /a-token-of-the-operator/);
    // The instance is brought back where conform's own calls have stopped or removed it.
    for (const id of ['reboot', 'stop', 'start', 'delete'])
      assert.equal(rule(id)?.state, 'pass', id);
  });

  test('a script that fails every call: the first line says so, and no refusal counts as a merit', async () => {
    const refusing = executable('echo \'{"error":"no licence"}\'; exit 1');
    const { report, passed } = await conform(refusing);
    assert.match(
      report.verdict,
      /cannot be judged: every one of its \d+ calls failed; create: \{"error":"no licence"\}/,
    );
    const undeserved = ['unknown-action', 'payload-missing', 'status-of-nothing', 'console'];
    for (const id of undeserved) assert.ok(!passed.includes(id), `${id} counts as a pass`);
    const world = createWorld({});
    await runCommand(['conform', refusing], world);
    assert.match(world.printed() + world.complained(), /^\S+ cannot be judged: every one of its/);
  });

  test('a prepare that fails, whose output is shown, though all else works without it', async () => {
    const state = temporaryDirectory();
    const unprepared = executable(
      `[ "$1" = prepare ] && echo '{"error":"no prepare today"}' && exit 1
      exec ${fixture('good.js')} "$@"`,
    );
    const { code, rule } = await conform(unprepared, `state=${state}`);
    assert.equal(code, 0);
    const { state: found, level, evidence } = rule('prepare') ?? {};
    assert.deepEqual([found, level], ['warn', 'should']);
    assert.match(evidence?.output ?? '', /no prepare today/);
  });

  test('a list of statuses that CloudStack believes and that leaves a running instance out', async () => {
    const empty = (answer: string): string =>
      executable(`[ "$1" = statuses ] && echo '${answer}' && exit 0
      exec ${fixture('good.js')} "$@"`);
    const states = temporaryDirectory();
    const believed = await conform(
      empty('{"status":"success","power_state":{}}'),
      `state=${states}`,
    );
    assert.deepEqual(believed.broken, ['statuses-complete']);
    // Without "success" CloudStack does not believe it, and asks status of each instance.
    const unused = await conform(empty('{"power_state":{}}'), `state=${states}`);
    assert.deepEqual([unused.broken, unused.rule('statuses')?.state], [[], 'warn']);
  });

  test('an extension that follows a remote id that a tenant has copied into another instance', async () => {
    const state = temporaryDirectory();
    const trusting = executable(
      `#!/usr/bin/env node
      const { readFileSync, rmSync } = require('node:fs');
      const [, , action, file] = process.argv;
      try {
        const path = JSON.parse(readFileSync(file))['cloudstack.vm.details'].details.good_path;
        if (action === 'delete' && path !== undefined) rmSync(path, { force: true });
      } catch {}
      require('node:child_process').spawnSync('${fixture('good.js')}', process.argv.slice(2), { stdio: 'inherit' }).status && process.exit(1);`,
    );
    const { broken, rule } = await conform(trusting, `state=${state}`);
    assert.deepEqual(broken, ['details-untouched']);
    assert.match(rule('details-untouched')?.reason ?? '', /after that delete, status/);
  });

  test('a system out of reach that counts as a machine that is gone', async () => {
    const { url } = await startInventedHypervisor();
    const hopeful = executable(
      `remote() { ${fixture('vmctl.js')} "$url" "$@"; }
      url=$(grep -o '"url":"[^"]*"' "$2" | cut -d '"' -f 4)
      name=$(grep -o '"virtualmachinename":"[^"]*"' "$2" | cut -d '"' -f 4)
      case $1 in
        create | start) remote "$name" on || exit 1 ;;
        stop) remote "$name" off ;;
        delete) remote "$name" gone ;;
        status) echo "{\\"power_state\\":\\"$(remote "$name" state || echo poweroff)\\"}" ;;
        *) exit 1 ;;
      esac; exit 0`,
    );
    const { rule } = await conform(hopeful, `url=${url}`);
    assert.equal(rule('certificate')?.state, 'pass', rule('certificate')?.reason);
    assert.equal(rule('out-of-reach')?.state, 'fail');
  });
});
