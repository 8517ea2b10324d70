import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { resolveFields } from '../src/cloudstack/details.ts';
import { collectIssues } from '../src/cloudstack/issues.ts';
import { Failure } from '../src/failure.ts';
import { text } from '../src/kit/fields.ts';
import { registry } from '../src/providers/index.ts';
import { ledger } from './cloudstack/ledger.ts';
import { changed, type Json, recorded } from './cloudstack/recorded.ts';
import { builtFile, serviceEnv, spawnFile } from './support/spawned.ts';
import { makePlace } from './support/world.ts';

const secret = 'correct-horse-battery';

/** A script that notes every path that a process is about to change, in a file. */
function noting(file: string): string {
  return `const fs = require('node:fs');
    const [log, note] = [fs.openSync('${file}', 'a'), fs.writeSync];
    for (const name of Object.keys(fs)) {
      if (!/^(open|write|append|mk|copy|cp|rename|link|symlink|unlink|rm|create)/.test(name)) continue;
      if (typeof fs[name] !== 'function') continue;
      const real = fs[name];
      fs[name] = (...given) => {
        const [, flags = 'r'] = given;
        const reads = name === 'openSync' && (flags === 'r' || flags % 4 === 0);
        const from = /^symlink/.test(name) ? 1 : 0;
        const changed = given.slice(from, /rename|link|copy|cp/.test(name) ? 2 : 1);
        for (const path of reads ? [] : changed) {
          if (typeof path === 'string') note(log, path + '\\n');
        }
        return real(...given);
      };
    }`;
}

describe('Secrets', () => {
  it('in files are out of reach for the details of an instance', () => {
    const fields = {
      token: { about: 'A secret', schema: text(), secret: true },
      script: { about: 'A file', schema: text(), file: true },
    };
    const details = { token_file: 'maas.key', script: 'maas.key' };
    const issues = collectIssues();
    const levels = [{ name: 'instance', details } as const];
    const { values } = resolveFields(fields, { levels, issues, secretsDirectory: '/nowhere' });
    assert.deepEqual(Object.keys(values), []);
    assert.throws(() => issues.throwIfAny('No'), /"token_file" may not name a file.*"script"/);
  });

  it('that somebody put into an address are not repeated, slashes and all', async () => {
    const place = makePlace({ ledger: async () => ledger().provider });
    try {
      const url = `https://user:${secret}/@@rest@ledger.test/\u0007`;
      const done = await place.call('status', recorded('status', 'ledger', { url }));
      assert.match(done.text, /"url\\" is/);
      assert.doesNotMatch(done.text, new RegExp(secret));
    } finally {
      place.remove();
    }
  });

  it('are in no file that a call leaves behind, and those files are closed to others', async () => {
    const outage = new Failure('unreachable', `No: ${secret}`, { advice: secret });
    const power = async () => {
      throw outage;
    };
    const place = makePlace({ ledger: async () => ledger({ power }).provider });
    const before = process.umask(0);
    try {
      const url = 'https://ledger.test';
      await place.call('status', recorded('status', 'ledger', { url, secret }));
      const memo = join(place.folder, 'log/outrigger-memo');
      const notes = readdirSync(memo).map((name) => join(memo, name));
      assert.equal(notes.length, 1);
      assert.equal(statSync(memo).mode & 0o777, 0o700);
      assert.equal(statSync(place.logFile).mode & 0o777, 0o640);
      for (const file of notes) assert.equal(statSync(file).mode & 0o777, 0o600);
      for (const file of [place.logFile, ...notes]) {
        assert.ok(!readFileSync(file, 'utf8').includes(secret), file);
        assert.ok(!file.includes(secret));
      }
    } finally {
      process.umask(before);
      place.remove();
    }
  });

  it('are in no temporary file: a call makes none', () => {
    const place = makePlace({});
    try {
      const watch = join(place.folder, 'watch.cjs');
      const written = join(place.folder, 'written');
      writeFileSync(watch, noting(written));
      writeFileSync(place.logFile, '');
      const payload = place.payload(recorded('create', 'simulator', { secret }));
      const { exitCode, output } = spawnFile(builtFile, ['create', payload, '30'], {
        env: {
          OUTRIGGER_CONFIG: join(place.folder, 'config.json'),
          HOME: join(place.folder, 'home'),
        },
        through: `exec node -r ${watch} "$@"`,
      });
      assert.equal(exitCode, 0, output);
      const paths = readFileSync(written, 'utf8').trim().split('\n');
      const places = ['log', 'home/.local/state/outrigger'].map((name) => join(place.folder, name));
      assert.deepEqual(
        paths.filter((path) => !places.some((known) => path.startsWith(known))),
        [],
      );
      for (const known of places) {
        const some = paths.some((path) => path.startsWith(known));
        assert.ok(some, `the script noted nothing in ${known}`);
      }
    } finally {
      place.remove();
    }
  });

  it('never stand in the arguments or the environment of a program: a call starts none but a driver', () => {
    assert.ok(sources().length > 50);
    const rooms = ['cloudstack', 'kit', 'providers', 'main.ts', 'process.ts', 'failure.ts'];
    // A driver gets them on its standard input: test/providers/command/process.test.ts.
    const driver = 'providers/command/api/process.ts';
    const called = sources().filter((name) => rooms.includes(name.split('/')[0] ?? ''));
    assert.ok(called.includes(driver));
    for (const file of called.filter((name) => name !== driver)) {
      const code = readFileSync(join('src', file), 'utf8');
      assert.doesNotMatch(code, /node:(child_process|cluster|worker_threads)|\beval\(/, file);
    }
  });
});

describe('A detail', () => {
  it('never says where something is written, whatever it is called', async () => {
    const outage = async () => {
      throw new Failure('unreachable', 'Nobody answers');
    };
    const place = makePlace(
      { ledger: async () => ledger({ power: outage }).provider, ...registry },
      { log: { file: '/nowhere/outrigger.log' } },
    );
    const elsewhere = join(place.folder, 'elsewhere');
    mkdirSync(elsewhere);
    const words = ['file', 'log', 'log_file', 'log.file', 'directory', 'memo', 'memo.directory'];
    const places = [...words, 'state', 'state_directory', 'home', 'secrets_directory', 'HOME'];
    const details = Object.fromEntries(places.map((word) => [word, `${elsewhere}/x`]));
    try {
      for (const [action, provider] of [
        ['status', 'ledger'],
        ['create', 'simulator'],
      ] as const) {
        let payload = recorded(action, provider, { ...details, url: 'https://ledger.test' });
        for (const level of ['extension', 'resourcemap', 'virtualmachine']) {
          const before = (payload['externaldetails'] as Record<string, Json>)[level];
          payload = changed(payload, ['externaldetails', level], { ...details, ...before });
        }
        const { exitCode, text } = await place.call(action, payload);
        assert.equal(exitCode, action === 'create' ? 0 : 1, text);
      }
      assert.deepEqual(readdirSync(elsewhere), []);
      const kept = readdirSync(join(place.folder, 'home/.local/state/outrigger'));
      assert.deepEqual(kept, ['simulator'], 'where it is kept when nothing is configured');
    } finally {
      place.remove();
    }
  });
});

describe('A payload', () => {
  it('with a million of anything is refused in time', async () => {
    const place = makePlace({ ledger: async () => ledger().provider });
    try {
      // Written as text: making and writing such objects costs more than reading them.
      const nics = `[${'{},'.repeat(999_999)}{}]`;
      const details = `{${Array.from({ length: 300_000 }, (_, at) => `"k${at}":[]`).join()}}`;
      const vm = 'cloudstack.vm.details';
      for (const [path, text] of [
        [[vm, 'nics'], nics],
        [[vm, 'details'], details],
        [['externaldetails', 'host'], details],
      ] as const) {
        const payload = JSON.stringify(changed(recorded('create'), path, 'MANY'));
        const before = process.cpuUsage();
        const done = await place.call('create', payload.replace('"MANY"', text));
        const { user, system } = process.cpuUsage(before);
        assert.match(done.text, /must not have (more than 64|so many)/);
        assert.ok(done.text.length < 2000);
        // Of the processor, so that it means the same on a busy machine.
        assert.ok(user + system < 5e6, `${(user + system) / 1e6} s`);
      }
    } finally {
      place.remove();
    }
  });
});

describe('The configuration', () => {
  it('is refused at once when it is a device, a pipe or a folder', () => {
    const place = makePlace({});
    try {
      const pipe = join(place.folder, 'pipe');
      spawnSync('mkfifo', [pipe]);
      for (const file of ['/dev/zero', pipe, place.folder, '/dev/null/x', `/${'x'.repeat(5000)}`]) {
        const payload = place.payload(recorded('status', 'simulator'));
        const { output, exitCode } = spawnFile(builtFile, ['status', payload, '30'], {
          env: { ...serviceEnv(), OUTRIGGER_CONFIG: file },
        });
        assert.equal(exitCode, 1);
        assert.match(JSON.parse(output).error, /cannot be read: /);
      }
    } finally {
      place.remove();
    }
  });
});

describe('The supply chain', () => {
  interface Locked {
    readonly version?: string;
    readonly resolved?: string;
    readonly integrity?: string;
    readonly dev?: boolean;
    readonly optional?: boolean;
    readonly license?: string;
    readonly hasInstallScript?: boolean;
  }
  const lock = JSON.parse(readFileSync('package-lock.json', 'utf8')) as {
    readonly packages: Readonly<Record<string, Locked>>;
  };
  const packages = Object.entries(lock.packages).filter(([name]) => name !== '');

  it('knows every package by its hash and by no address', () => {
    for (const [name, { integrity, resolved, optional }] of packages) {
      assert.equal(resolved, undefined, name);
      // Tools for systems that this is not built on stand in it by their version only.
      if (optional !== true || integrity !== undefined)
        assert.match(integrity ?? '', /^sha512-[A-Za-z0-9+/]+=*$/, name);
    }
  });

  it('asks for exact versions, and for two packages at run time', () => {
    const own = JSON.parse(readFileSync('package.json', 'utf8'));
    assert.deepEqual(Object.keys(own.dependencies).sort(), ['ofetch', 'valibot']);
    for (const wanted of Object.values({ ...own.dependencies, ...own.devDependencies })) {
      assert.match(String(wanted), /^\d+\.\d+\.\d+$/);
    }
  });

  it('brings nothing into the file that runs a script when it is installed or has an unusual licence', () => {
    for (const [name, { dev, license, hasInstallScript }] of packages) {
      if (dev === true) continue;
      assert.equal(hasInstallScript, undefined, name);
      assert.match(license ?? '', /^(MIT|Apache-2\.0|ISC|BSD-[23]-Clause)$/, name);
    }
  });
});

function sources(): string[] {
  return readdirSync('src', { recursive: true })
    .map(String)
    .filter((name) => name.endsWith('.ts'));
}
