import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { chmodSync, copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { builtFile, serviceEnv, spawnFile } from '../support/spawned.ts';

const line1 = (file: string): string => readFileSync(file, 'utf8').split('\n', 1)[0] ?? '';

describe('the file that reads its own parts', () => {
  let folder = '';
  let file = '';
  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'outrigger-parts-'));
    file = join(folder, 'outrigger');
  });
  after(() => rmSync(folder, { recursive: true, force: true }));
  const lay = (text: string): void => {
    writeFileSync(file, text);
    chmodSync(file, 0o755);
  };

  it('starts on kernels that read 127 bytes of the first line', () => {
    assert.ok(line1(builtFile).length <= 127, line1(builtFile));
  });

  it('runs with a first line of any length that leaves its content alone', () => {
    const [, ...rest] = readFileSync(builtFile, 'utf8').split('\n');
    const long = join(folder, 'a-long-name-of-a-folder-'.repeat(4), 'node');
    for (const line of [
      `#!${process.execPath}`,
      line1(builtFile).replace(' node ', ` ${process.execPath} `),
      line1(builtFile).replace(' node ', ` ${long} `),
      // As install.sh writes it for a Node with a longer path.
      line1(builtFile).replace(/ -e eval\(.*/, ' -e require(process.argv[1])'),
    ]) {
      lay([line, ...rest].join('\n'));
      if (line.includes(long)) {
        execFileSync('mkdir', ['-p', join(long, '..')]);
        execFileSync('ln', ['-s', process.execPath, long]);
      }
      const { output, exitCode } = spawnFile(file, ['version', '--json']);
      assert.deepEqual([exitCode, JSON.parse(output).content], [0, 'intact'], line);
    }
  });

  it('says that it is damaged, in one document, when its end is missing or changed', () => {
    const text = readFileSync(builtFile, 'utf8');
    for (const damaged of [text.slice(0, -1), text.slice(0, 20_000), `${text} `]) {
      lay(damaged);
      const { output, exitCode, signal } = spawnFile(file, ['status', '/nonexistent', '5']);
      const { status, error } = JSON.parse(output) as Record<string, string>;
      assert.deepEqual([signal, exitCode, status], [null, 1, 'error']);
      assert.match(error ?? '', /outrigger is damaged\. Install it again/);
    }
  });

  it('runs the new file when it is replaced between its first line and its first part', () => {
    copyFileSync(builtFile, file);
    const other = join(folder, 'other');
    copyFileSync('build/probe/probe', other);
    const replace = join(folder, 'replace.js');
    writeFileSync(
      replace,
      `const fs = require('fs'), open = fs.openSync; let first = true;
       fs.openSync = (name, ...rest) => {
         if (name === ${JSON.stringify(file)} && first) {
           first = false;
           fs.renameSync(${JSON.stringify(other)}, name);
         }
         return open(name, ...rest);
       };`,
    );
    const payload = join(folder, 'payload.json');
    writeFileSync(payload, JSON.stringify({ externaldetails: { extension: { provider: 'no' } } }));
    const code = /-e (\S+)$/.exec(line1(builtFile))?.[1] ?? '';
    const args = ['--require', replace, '-e', code, file, 'statuses', payload, '5'];
    const { stdout, status } = spawnSync(process.execPath, args, {
      encoding: 'utf8',
      env: serviceEnv(),
    });
    assert.equal(status, 1);
    assert.match(String(JSON.parse(stdout).error), /probe/, 'only the new file has this provider');
  });

  it('goes on with its own parts when it is replaced while it runs', () => {
    copyFileSync(builtFile, file);
    const later = join(folder, 'later.js');
    // The provider's part is read after the payload, so this comes between the head and that part.
    writeFileSync(
      later,
      `const fs = require('fs'), { openSync } = fs;
       fs.openSync = (name, ...rest) => {
         if (String(name).endsWith('payload.json')) {
           fs.writeFileSync(${JSON.stringify(`${file}.new`)}, 'nothing of ours');
           fs.renameSync(${JSON.stringify(`${file}.new`)}, ${JSON.stringify(file)});
         }
         return openSync(name, ...rest);
       };`,
    );
    const payload = join(folder, 'payload.json');
    const extension = { provider: 'simulator', node: 'a' };
    writeFileSync(payload, JSON.stringify({ externaldetails: { extension } }));
    const code = /-e (\S+)$/.exec(line1(builtFile))?.[1] ?? '';
    const args = ['--require', later, '-e', code, file, 'statuses', payload, '5'];
    const { stdout } = spawnSync(process.execPath, args, {
      encoding: 'utf8',
      env: { ...serviceEnv(), HOME: folder },
    });
    assert.equal(readFileSync(file, 'utf8'), 'nothing of ours', 'it was replaced');
    assert.match(stdout, /^\{"status":"(success|error)".*\}\n$/);
    assert.doesNotMatch(stdout, /changed while it ran/);
  });
});
