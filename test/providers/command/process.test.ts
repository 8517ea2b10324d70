import assert from 'node:assert/strict';
import {
  chmodSync,
  chownSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { executableOf } from '../../../src/providers/command/api/executable.ts';
import type { Backend } from '../../conformance/backend.ts';
import { admin, payloadFor, system, type Vm } from '../../support/payloads.ts';
import { type Done, makePlace, type Place } from '../../support/world.ts';
import { configured, driversIn, goodDriver, overState, pythonMissing } from './backend.ts';

const skip = process.env['CI'] === undefined && pythonMissing;
const asRoot = process.getuid?.() === 0 ? false : 'only root can give a file another owner';

const vm: Vm = {
  ...{ id: 42, uuid: '8f4e2a6c-0e57-4a8b-a8d5-00000000002a', name: 'i-2-42-VM', cpus: 2 },
  ...{ memoryMb: 1024, nics: [], details: { 'External:template_id': 'debian-12' } },
};

interface Scene {
  readonly place: Place;
  readonly backend: Backend;
  readonly file: string;
  call(action: string, timeoutSeconds?: number): Promise<Done>;
}

/** The good driver with some code changed, in the folder that the configuration names. */
async function inScene(code: string, play: (scene: Scene) => Promise<void>): Promise<void> {
  const place = makePlace({});
  configured(place);
  const file = join(driversIn(place), 'mine');
  writeFileSync(file, readFileSync(goodDriver, 'utf8').replace('# a fault goes here', code));
  chmodSync(file, 0o755);
  const backend = overState(place, 'mine');
  const extension = { provider: 'command', installation: 'cloud-under-test' };
  const call = (action: string, timeoutSeconds = 15): Promise<Done> => {
    const host = { ...backend.details(), extension };
    const caller = action === 'status' ? system : admin;
    const payload = payloadFor(action, { vm, host, caller });
    return place.call(action, payload, { registry: backend.registry, timeoutSeconds });
  };
  try {
    await play({ place, backend, file, call });
  } finally {
    place.remove();
  }
}

function driversOf(place: Place) {
  return { directory: driversIn(place), owner: process.getuid?.() ?? 0 };
}

describe('The process of a driver', { skip }, () => {
  it('gets PATH, LANG and the variables of the configuration, and secrets on its input only', async () => {
    const code =
      'def describe_environment(request):\n    with open(request["settings"]["state"] + ".env", "w") as out:\n        out.write(json.dumps([dict(os.environ), sys.argv, request["settings"]["password"], os.getcwd()]))\n    return list_machines(request)\n\nWORDS["list"] = describe_environment\n';
    await inScene(code, async ({ place, call }) => {
      const file = join(place.folder, 'config.json');
      const config = JSON.parse(readFileSync(file, 'utf8'));
      const drivers = { ...config.drivers, environment: { REGION: 'north' } };
      writeFileSync(file, JSON.stringify({ ...config, drivers }));
      await call('status');
      const seen = JSON.parse(readFileSync(join(place.folder, 'state.json.env'), 'utf8'));
      const [environment, argv, password, folder] = seen;
      delete environment['LC_CTYPE'];
      assert.deepEqual(Object.keys(environment).sort(), ['LANG', 'PATH', 'REGION']);
      assert.doesNotMatch(JSON.stringify([environment, argv]), /open-sesame/);
      assert.deepEqual([password, folder], ['open-sesame-77', '/']);
    });
  });

  it('is killed with its children at the deadline, and CloudStack gets its answer before its own', async () => {
    const code =
      'def hang(request):\n    pid = os.fork()\n    with open(request["settings"]["state"] + f".{os.getpid()}", "w") as out:\n        out.write("")\n    time.sleep(600)\n\nWORDS["list"] = hang\nWORDS["find"] = hang\n';
    await inScene(code, async ({ place, call }) => {
      const began = performance.now();
      const { exitCode, text } = await call('status', 2);
      assert.equal(exitCode, 1);
      assert.match(text, /Gave up after .* while driver mine was to/);
      assert.ok(performance.now() - began < 2_000);
      await new Promise((resolve) => setTimeout(resolve, 200));
      const left = readdirPids(place);
      for (const pid of left) assert.ok(!isAlive(pid), `${pid} still runs`);
      assert.ok(left.length >= 1);
    });
  });

  it('has its words on standard error in the log, shortened and without secrets', async () => {
    const code =
      'def chatter(request):\n    sys.stderr.write("using " + request["settings"]["password"] + " " + "x" * 100_000)\n    return list_machines(request)\n\nWORDS["list"] = chatter\n';
    await inScene(code, async ({ place, call }) => {
      await call('delete');
      const [line] = place.log().filter(({ event }) => event === 'driver.stderr');
      const text = String(line?.['text']);
      assert.match(text, /^using \*\*\* xxx/);
      assert.ok(text.length < 5_000, `${text.length}`);
    });
  });

  it('need not wait until a change is seen', async () => {
    const code =
      'def later(request):\n    if os.fork() == 0:\n        os.close(0); os.close(1); os.close(2)\n        time.sleep(1.2)\n        power_on(request)\n        os._exit(0)\n    return {}\n\nWORDS["power-on"] = later\n';
    await inScene(code, async ({ backend, call }) => {
      const { exitCode, text } = await call('create');
      assert.equal(exitCode, 0, text);
      assert.deepEqual(
        (await backend.machines()).map(({ power }) => power),
        ['on'],
      );
    });
  });

  it('is asked for its description only when its file has changed', async () => {
    const code =
      'def counted(request):\n    with open(__file__ + ".asked", "a") as out:\n        out.write("x")\n    return describe(request)\n\nWORDS["describe"] = counted\n';
    await inScene(code, async ({ file, call }) => {
      await call('status');
      await call('status');
      assert.equal(readFileSync(`${file}.asked`, 'utf8'), 'x');
      writeFileSync(file, `${readFileSync(file, 'utf8')}\n`);
      await call('status');
      assert.equal(readFileSync(`${file}.asked`, 'utf8'), 'xx');
    });
  });

  it('is named with every mistake in its description', async () => {
    const code =
      'WORDS["describe"] = lambda request: {**describe(request), "marks": "somewhere", "colour": "red", "capabilities": ["fly"]}\n';
    await inScene(code, async ({ call }) => {
      const { text } = await call('status');
      const words = JSON.parse(text).error;
      assert.match(words, /"marks" must be one of label, name/);
      assert.match(words, /"colour" is not known/);
      assert.match(words, /"capabilities.0" must be one of find, state/);
    });
  });

  it('is told with a default that its own field refuses, and with a limit that is no setting', async () => {
    const code =
      'def wrong(request):\n    said = describe(request)\n    said["settings"]["max_disk_gb"]["default"] = "many"\n    said["blueprint"]["template_id"]["within"] = "nothing"\n    said["settings"]["installation"] = {"about": "Mine"}\n    return said\n\nWORDS["describe"] = wrong\n';
    await inScene(code, async ({ call }) => {
      const words = JSON.parse((await call('status')).text).error;
      assert.match(words, /"settings.max_disk_gb" has a default that must be a whole number/);
      assert.match(words, /within "nothing", which is no setting/);
      assert.match(words, /"settings.installation" is a setting that every driver has already/);
    });
  });
});

function readdirPids(place: Place): readonly number[] {
  return readdirSync(place.folder).flatMap((name) => {
    const [, pid] = /^state\.json\.(\d+)$/.exec(name) ?? [];
    return pid === undefined ? [] : [Number(pid)];
  });
}

function isAlive(pid: number): boolean {
  try {
    return !/^\S+ \S+ Z/.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));
  } catch {
    return false;
  }
}

describe('The file of a driver', { skip }, () => {
  const refusal = async (disturb: (scene: Scene) => void): Promise<string> => {
    let said = '';
    await inScene('', async (scene) => {
      disturb(scene);
      const { exitCode, text } = await scene.call('stop');
      assert.equal(exitCode, 1);
      said = JSON.parse(text).error;
    });
    return said;
  };

  it('is refused when other users may write it or its folder', async () => {
    assert.match(await refusal(({ file }) => chmodSync(file, 0o775)), /users other than its owner/);
    const folder = await refusal(({ place }) => chmodSync(driversIn(place), 0o777));
    assert.match(folder, /users other than its owner may write it.*chmod go-w/);
  });

  it('is refused when it may not be executed', async () => {
    assert.match(await refusal(({ file }) => chmodSync(file, 0o644)), /may not be executed/);
  });

  it('is refused when its first line names no program', async () => {
    const said = await refusal(({ file }) => writeFileSync(file, '#!/no/such/program\n'));
    assert.match(said, /its first line names a program that does not exist/);
  });

  it('is refused when another user owns it', { skip: asRoot }, async () => {
    assert.match(
      await refusal(({ file }) => chownSync(file, 12345, 0)),
      /does not belong to user 0/,
    );
  });

  it('is found by its bare name only, and by no link that leads out of the folder', async () => {
    await inScene('', async ({ place }) => {
      const drivers = driversOf(place);
      symlinkSync('/bin/true', join(driversIn(place), 'out'));
      symlinkSync('mine', join(driversIn(place), 'inside'));
      assert.throws(() => executableOf('out', drivers), /a link that leads out/);
      assert.match(executableOf('inside', drivers).path, /\/mine$/);
      for (const name of ['../mine', '/bin/true', '', '.', 'a/b', '-x']) {
        assert.throws(() => executableOf(name, drivers), /not the bare name of a file/);
      }
      assert.throws(() => executableOf('absent', drivers), /no such file.*|absent/);
    });
  });
});
