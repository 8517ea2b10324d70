import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { schemas } from '../../src/commands/driver/schema.ts';
import { runCommand } from '../../src/commands/run.ts';
import { driverTools } from '../../src/providers/index.ts';
import { goodDriver, pythonMissing } from '../providers/command/backend.ts';
import { createWorld } from './world.ts';

const skip = process.env['CI'] === undefined && pythonMissing;
const noJq =
  process.env['CI'] === undefined && !existsSync('/usr/bin/jq') && 'there is no /usr/bin/jq';

const root = process.cwd();

async function inFolder(play: (folder: string) => Promise<void>): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'outrigger-driver-'));
  const before = process.cwd();
  try {
    process.chdir(folder);
    await play(folder);
  } finally {
    process.chdir(before);
    rmSync(folder, { recursive: true, force: true });
  }
}

async function command(...args: readonly string[]) {
  const world = createWorld({ env: { NO_COLOR: '1', OUTRIGGER_CONFIG: '/nowhere' } });
  const code = await runCommand(['driver', ...args], world);
  return { code, printed: world.printed(), complained: world.complained() };
}

/** The good driver with some code changed, and its settings. */
function install(folder: string, code: string): readonly [string, ...string[]] {
  const driver = join(folder, 'mine');
  const good = readFileSync(goodDriver, 'utf8');
  writeFileSync(driver, good.replace('# a fault goes here', code), { mode: 0o755 });
  const state = join(folder, 'state.json');
  writeFileSync(state, JSON.stringify({ machines: {}, control: {} }));
  const settings = {
    settings: { state, password: 'open-sesame-77' },
    blueprint: { template_id: 't' },
  };
  writeFileSync(join(folder, 'mine.json'), JSON.stringify(settings));
  return [driver, '--settings', join(folder, 'mine.json')];
}

describe('outrigger driver schema', () => {
  it('prints request, answer and failure of every primitive as JSON Schema', async () => {
    const tools = await driverTools();
    const documents = schemas(tools);
    assert.deepEqual(Object.keys(documents), Object.keys(tools.primitives));
    const { code, printed } = await command('schema', 'make');
    assert.equal(code, 0);
    const make = JSON.parse(printed);
    assert.deepEqual(make.answer.required, ['protocol', 'id']);
    assert.equal(make.answer.additionalProperties, false);
    assert.equal(make.failure.properties.error.properties.kind.enum[0], 'missing');
    assert.match(
      make.request.properties.instance.properties.nics.items.properties.mac.description,
      /colons/,
    );
  });

  it('suggests the primitive that is near', async () => {
    const { code, complained } = await command('schema', 'power-onn');
    assert.equal(code, 2);
    assert.match(complained, /did you mean "power-on"/);
  });
});

describe('outrigger driver run', { skip }, () => {
  it('shows request and answer of one primitive, and masks secrets', async () => {
    await inFolder(async (folder) => {
      const [driver, ...more] = install(folder, '');
      const { code, printed } = await command('run', driver, 'list', ...more);
      assert.equal(code, 0);
      assert.match(printed, /"complete": true/);
      assert.match(printed, /This is as the protocol says/);
      assert.doesNotMatch(printed, /open-sesame/);
    });
  });

  it('says where an answer is not as the protocol wants it', async () => {
    await inFolder(async (folder) => {
      const code = 'WORDS["list"] = lambda request: {"machines": [{"id": 7}]}\n';
      const [driver, ...more] = install(folder, code);
      const { code: exit, printed } = await command('run', driver, 'list', ...more);
      assert.equal(exit, 1);
      assert.match(printed, /"machines.0.id" must be a text, not a number/);
      assert.match(printed, /"machines.0.state" is missing/);
      assert.match(printed, /"complete" is missing/);
    });
  });
});

describe('outrigger driver check', { skip }, () => {
  it('refuses a driver whose description is wrong, in the first line', async () => {
    await inFolder(async (folder) => {
      const code = 'WORDS["describe"] = lambda request: {"name": "Mine"}\n';
      const { code: exit, printed } = await command('check', ...install(folder, code));
      assert.equal(exit, 1);
      assert.match(printed.split('\n')[0] ?? '', /mine may not be trusted: it breaks 1 of 1 rules/);
      assert.match(printed, /"marks" is missing/);
    });
  });

  it('plays nothing else when create does not work, and says so', async () => {
    await inFolder(async (folder) => {
      const code =
        'def refuse(request):\n    raise Refused("denied", "no right to start")\n\nWORDS["power-on"] = refuse\n';
      const { code: exit, printed } = await command('check', ...install(folder, code));
      assert.equal(exit, 1);
      assert.match(printed.split('\n')[0] ?? '', /it breaks 1 of 2 rules, \d+ were not played/);
      assert.match(printed, /^BROKEN {2}create ends with one machine that runs/m);
      assert.match(printed, /not played, since create has to work first/);
    });
  });

  it('refuses a number of rules at a time that is none', async () => {
    await inFolder(async (folder) => {
      const { code, complained } = await command('check', ...install(folder, ''), '--at-once', 'x');
      assert.equal(code, 2);
      assert.match(complained, /--at-once takes a number from 1 to 16/);
    });
  });

  it('names each broken rule with the call that shows it, and leaves no machine behind', async () => {
    await inFolder(async (folder) => {
      const code =
        'def wrong(request):\n    handle, state = open_state(request)\n    machine = need(state, request["machine"]["id"])\n    machine["mark"] = request["mark"]\n    save(request, state)\n    return {}\n\nWORDS["write-mark"] = wrong\n';
      const { code: exit, printed } = await command('check', ...install(folder, code), '--quick');
      assert.equal(exit, 1);
      const [first = ''] = printed.split('\n');
      assert.match(first, /mine may not be trusted: it breaks 1 of \d+ rules/);
      const broken = printed.split('\n').filter((line) => line.startsWith('BROKEN'));
      assert.deepEqual(broken, [
        'BROKEN  write-mark writes nothing when the mark is not the expected one, and says so',
      ]);
      assert.match(printed, /last call: get, exit code 0/);
      assert.doesNotMatch(printed, /open-sesame/);
      const { machines } = JSON.parse(readFileSync(join(folder, 'state.json'), 'utf8'));
      assert.deepEqual(machines, {});
    });
  });
});

describe('outrigger driver init', () => {
  for (const [language, reason] of [
    ['bash', noJq],
    ['python', skip],
  ] as const) {
    // test/examples/skeleton.long.test.ts plays the whole check on it.
    it(`writes a driver in ${language} that runs as it stands, with settings and a test`, {
      skip: reason,
    }, async () => {
      await inFolder(async (folder) => {
        assert.equal((await command('init', 'mysystem', '--language', language)).code, 0);
        assert.ok((statSync(join(folder, 'mysystem')).mode & 0o111) !== 0);
        assert.match(readFileSync(join(folder, 'mysystem.test.sh'), 'utf8'), /driver check/);
        const own = ['./mysystem', 'list', '--settings', 'mysystem.json'];
        const { code, printed } = await command('run', ...own);
        assert.match(printed, /This is as the protocol says/);
        assert.equal(code, 0);
      });
    });
  }

  it('overwrites no file, and takes no name that would be a path', async () => {
    await inFolder(async () => {
      assert.equal((await command('init', '../mine')).code, 2);
      assert.equal((await command('init', 'mine', '--language', 'cobol')).code, 2);
      assert.equal((await command('init', 'mine')).code, 0);
      const { code, complained } = await command('init', 'mine');
      assert.equal(code, 2);
      assert.match(complained, /mine is there already/);
    });
  });
});

describe('outrigger demo --driver', { skip }, () => {
  it('plays an instance from create to delete through the driver', async () => {
    await inFolder(async (folder) => {
      assert.equal((await command('init', 'mysystem', '--language', 'python')).code, 0);
      const file = join(root, 'build/out/outrigger');
      const args = ['demo', '--driver', './mysystem', '--settings', 'mysystem.json', '--json'];
      const text = execFileSync(file, args, { cwd: folder, encoding: 'utf8' });
      const { steps } = JSON.parse(text);
      const actions = steps.map(({ action }: { action: string }) => action);
      assert.deepEqual(actions.slice(0, 3), ['create', 'status', 'statuses']);
      assert.ok(
        steps.every(({ asExpected }: { asExpected: boolean }) => asExpected),
        text,
      );
    });
  });
});
