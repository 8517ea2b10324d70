import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import {
  chmodSync,
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { builtFile, serviceEnv, spawnFile } from '../support/spawned.ts';

const line1 = (file: string): string => readFileSync(file, 'utf8').split('\n', 1)[0] ?? '';
const codeOfLine1 = (): string => / -e (\S+)$/.exec(line1(builtFile))?.[1] ?? '';

describe('the file whose parts lie in a comment', () => {
  let folder = '';
  let file = '';
  let payload = '';
  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'outrigger-parts-'));
    file = join(folder, 'outrigger');
    payload = join(folder, 'payload.json');
    const extension = { provider: 'simulator', node: 'a' };
    writeFileSync(payload, JSON.stringify({ externaldetails: { extension } }));
  });
  after(() => rmSync(folder, { recursive: true, force: true }));
  const lay = (text: string): void => {
    writeFileSync(file, text);
    chmodSync(file, 0o755);
  };
  /** Starts the file as line 1 does, with a module that is loaded before it. */
  const startWith = (module: string) => {
    const hook = join(folder, 'hook.js');
    writeFileSync(hook, module);
    const args = ['--require', hook, '-e', codeOfLine1(), file, 'statuses', payload, '5'];
    const env = { ...serviceEnv(), HOME: folder };
    return spawnSync(process.execPath, args, { encoding: 'utf8', env });
  };

  it('starts on kernels that read 127 bytes of the first line', () => {
    assert.ok(line1(builtFile).length <= 127, line1(builtFile));
  });

  it('is ASCII, since one other letter makes Node decode it and keep two bytes of every letter', () => {
    const [letter] = /[^\0-\x7f].{0,40}/.exec(readFileSync(builtFile, 'utf8')) ?? [];
    assert.equal(letter, undefined);
  });

  it('runs with a first line of any length that leaves its content alone', () => {
    const [, ...rest] = readFileSync(builtFile, 'utf8').split('\n');
    const long = join(folder, 'a-long-name-of-a-folder-'.repeat(4), 'node');
    for (const line of [
      `#!${process.execPath}`,
      line1(builtFile).replace(' node ', ` ${process.execPath} `),
      line1(builtFile).replace(' node ', ` ${long} `),
      // As install.sh writes it for a Node with a longer path.
      line1(builtFile).replace(/ -e .*/, ' -e require(process.argv[1])'),
    ]) {
      lay([line, ...rest].join('\n'));
      if (line.includes(long)) {
        mkdirSync(join(long, '..'), { recursive: true });
        execFileSync('ln', ['-s', process.execPath, long]);
      }
      const { output, exitCode } = spawnFile(file, ['version', '--json']);
      assert.deepEqual([exitCode, JSON.parse(output).content], [0, 'intact'], line);
    }
  });

  it('runs when an operator starts it by a path relative to the working directory', () => {
    mkdirSync(join(folder, 'sub'), { recursive: true });
    copyFileSync(builtFile, join(folder, 'sub/outrigger'));
    const { output, exitCode } = spawnFile('sub/outrigger', ['version'], { cwd: folder });
    assert.equal(exitCode, 0, output);
  });

  it('fails with nothing on standard output wherever the file was cut off', () => {
    const text = readFileSync(builtFile, 'utf8');
    const ends = [...text.matchAll(/\n/g)].map(({ index }) => index + 1);
    const lastLine = ends.at(-2) ?? 0;
    // Each kind of place: behind a whole line, inside a part, inside the loader and the licences.
    const places = [
      ...[ends[0], ends[1], ends[2], ends[3], ends[40], lastLine].map((place) => place ?? 0),
      ...[200, 20_000, text.length / 2, text.length - 3000, lastLine - 20, lastLine + 5],
    ];
    for (const place of places) {
      lay(text.slice(0, place));
      const args = ['statuses', payload, '5'];
      const env = { ...serviceEnv(), HOME: folder };
      const { status, signal, stdout, stderr } = spawnSync(file, args, { encoding: 'utf8', env });
      assert.deepEqual([signal, status, stdout], [null, 1, ''], `cut off after ${place} bytes`);
      // CloudStack reads a pipe of 65,536 bytes after the end of the process, which has to come.
      assert.ok(stderr.length < 10_000, `cut off after ${place} bytes: ${stderr.length} bytes`);
    }
  });

  it('fails when it was cut off and line 1 names another Node', () => {
    const [, ...rest] = readFileSync(builtFile, 'utf8').split('\n');
    const other = `#!${process.execPath}\n${rest.join('\n')}`;
    for (const place of [
      other.indexOf('function text'),
      other.length / 2,
      other.lastIndexOf('use('),
    ]) {
      lay(other.slice(0, place));
      const { exitCode, output } = spawnFile(file, ['statuses', payload, '5']);
      assert.equal(exitCode, 1, `cut off after ${place} bytes: ${output.slice(0, 200)}`);
      // Node quotes the line of the error, in which our own texts stand.
      assert.doesNotMatch(output, /^\{"status":"success"/m);
    }
  });

  it('runs the new file when it is replaced after the kernel has read line 1 of the old one', () => {
    copyFileSync(builtFile, file);
    const other = join(folder, 'other');
    copyFileSync('build/probe/probe', other);
    const { stdout, status } = startWith(
      `require('fs').renameSync(${JSON.stringify(other)}, ${JSON.stringify(file)});`,
    );
    assert.equal(status, 1);
    assert.match(String(JSON.parse(stdout).error), /probe/, 'only the new file has this provider');
  });

  it('goes on with its own parts when it is replaced while it runs', () => {
    copyFileSync(builtFile, file);
    // The provider's part is evaluated after the payload was read.
    const { stdout } = startWith(
      `const fs = require('fs'), { openSync } = fs;
       fs.openSync = (name, ...rest) => {
         if (String(name).endsWith('payload.json')) {
           fs.writeFileSync(${JSON.stringify(`${file}.new`)}, 'nothing of ours');
           fs.renameSync(${JSON.stringify(`${file}.new`)}, ${JSON.stringify(file)});
         }
         return openSync(name, ...rest);
       };`,
    );
    assert.equal(readFileSync(file, 'utf8'), 'nothing of ours', 'it was replaced');
    assert.match(stdout, /^\{"status":"(success|error)".*\}\n$/);
  });

  it('answers, or fails, where a package.json beside it cannot be read', () => {
    copyFileSync(builtFile, file);
    const manifest = join(folder, 'package.json');
    writeFileSync(manifest, '{');
    for (const cwd of ['/', folder]) {
      const options = { cwd, env: { HOME: folder } };
      const { exitCode, output } = spawnFile(file, ['statuses', payload, '5'], options);
      if (exitCode === 0) assert.match(output, /^\{"status":"success".*\}\n$/);
      else assert.deepEqual([exitCode, /"success"/.test(output)], [1, false], output);
    }
    rmSync(manifest);
  });
});
