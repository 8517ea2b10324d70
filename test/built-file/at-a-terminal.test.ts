import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { describe, it } from 'node:test';
import { builtFile, spawnFile } from '../support/spawned.ts';

const lacking = existsSync('/usr/bin/script') ? false : 'there is no /usr/bin/script';
if (process.env['CI'] !== undefined) assert.equal(lacking, false);

describe('The file at a terminal', { skip: lacking }, () => {
  const atTerminal = (...words: string[]) =>
    spawnFile('/usr/bin/script', ['-qec', [builtFile, ...words].join(' '), '/dev/null']);

  it('shows the three things that most people want when it is started alone', () => {
    const { output, exitCode } = atTerminal();
    assert.equal(exitCode, 0);
    assert.match(output, /outrigger demo +See it work/);
    assert.match(output, /outrigger register NAME --init PROVIDER/);
    assert.match(output, /outrigger doctor --setup FILE/);
  });

  for (const words of [['regsiter'], ['regsiter', 'lab'], ['regsiter', 'lab', '--plan']]) {
    it(`answers a mistyped command with help: ${words.join(' ')}`, () => {
      const { output, exitCode } = atTerminal(...words);
      assert.equal(exitCode, 2);
      assert.match(output, /There is no command "regsiter"; did you mean "register"\?/);
    });
  }

  it('serves a call that a person makes by hand, and answers a pipe with one JSON document', () => {
    for (const { output } of [
      atTerminal('status', 'missing.json', '30'),
      spawnFile(builtFile, ['regsiter', 'lab', '--plan']),
    ]) {
      assert.equal((JSON.parse(output) as { status: string }).status, 'error');
    }
  });
});
