import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { commands } from '../../src/commands/index.ts';
import { runCommand } from '../../src/commands/run.ts';
import { commandWords, isCommandWord } from '../../src/commands/words.ts';
import { sample } from './sample-provider.ts';
import { createWorld } from './world.ts';

async function run(
  ...args: string[]
): Promise<{ code: number; printed: string; complained: string }> {
  const world = createWorld({ providers: { sample } });
  const code = await runCommand(args, world);
  return { code, printed: world.printed(), complained: world.complained() };
}

describe('The words an operator types', () => {
  test('the words an operator types are the commands that exist', () => {
    assert.deepEqual([...commandWords].sort(), Object.keys(commands).sort());
  });

  test('the words an operator types are told from CloudStack’s actions without loading anything', () => {
    for (const word of [...commandWords, '--help', '-h', '--version'])
      assert.ok(isCommandWord(word));
    for (const word of ['create', 'status', 'ListSnapshots', 'constructor', '']) {
      assert.ok(!isCommandWord(word), word);
    }
  });
});

describe('The overview', () => {
  test('the overview lists every command with a line about it, and the providers', async () => {
    for (const args of [[], ['help'], ['--help'], ['-h']]) {
      const { code, printed } = await run(...args);
      assert.equal(code, 0);
      for (const [name, { about }] of Object.entries(commands)) {
        assert.match(printed, new RegExp(`^  ${name} +${about}$`, 'm'));
      }
      assert.match(printed, /^Providers: sample$/m);
    }
  });

  test('the overview fits into 80 columns', async () => {
    const { printed } = await run();
    for (const line of printed.split('\n')) assert.ok(line.length <= 80, line);
  });

  test('the overview is printed as facts with --json', async () => {
    const facts = JSON.parse((await run('help', '--json')).printed) as { commands: object[] };
    assert.equal(facts.commands.length, Object.keys(commands).length);
  });
});

describe('The help of a command', () => {
  for (const word of Object.keys(commands)) {
    test(`the help shows usage and exit codes of ${word}, in 100 columns`, async () => {
      const asked = await run('help', word);
      assert.equal(asked.code, 0);
      assert.match(asked.printed, new RegExp(`outrigger ${word}`));
      assert.match(asked.printed, /^Exit code:\n {2}0 {2}\w/m);
      for (const line of asked.printed.split('\n')) assert.ok(line.length <= 100, line);
      assert.equal((await run(word, '--help')).printed, asked.printed);
      assert.equal((await run(word, '-h', 'any', 'thing', 'at', 'all')).printed, asked.printed);
    });
  }

  test('the help is printed as facts with --json', async () => {
    const facts = JSON.parse((await run('help', 'invoke', '--json')).printed) as object;
    assert.deepEqual(Object.keys(facts), [
      'name',
      'about',
      'usage',
      'options',
      'exitCodes',
      'more',
    ]);
  });
});

describe('A command line that makes no sense', () => {
  const cases: readonly (readonly [readonly string[], RegExp])[] = [
    [['invok'], /There is no command "invok"; did you mean "invoke"\?/],
    [['help', 'cnoform'], /There is no command "cnoform"; did you mean "conform"\?/],
    [['frobnicate'], /There is no command "frobnicate"\. The list of commands: outrigger help\./],
    [['toString'], /There is no command "toString"/],
    [['version', '--jsno'], /There is no option --jsno; did you mean --json\?/],
    [['version', '-x'], /There is no option -x/],
    [['version', '--constructor'], /There is no option --constructor/],
    [['version', '--json=yes'], /--json takes no value/],
    [['version', 'now'], /"now" is one argument too many/],
    [['invoke', '/bin/true'], /<action> is missing/],
    [['invoke', 'a', 'b', 'c', '--timeout'], /--timeout needs a value: SECONDS/],
    [['invoke', 'a', 'b', 'c', '--timeout', '--keep'], /--timeout needs a value/],
    [['invoke', 'a', 'b', 'c', '--timeout', '0'], /from 1 to 2147483, not "0"/],
    [['invoke', 'a', 'b', 'c', '--timeout', '-5'], /from 1 to 2147483, not "-5"/],
    [['invoke', 'a', 'b', 'c', '--timeout', 'soon'], /not "soon"/],
    [['invoke', 'a', 'b', 'c', '--timeout=1', '--timeout=2'], /--timeout is given twice/],
    [['invoke', 'a', 'b', 'c', '--timeout='], /--timeout needs a value: SECONDS/],
    [['log', '--vm', ''], /--vm needs a value/],
    [['settings'], /<provider> is missing/],
    [['settings', 'simple'], /There is no provider "simple"; did you mean "sample"\?/],
    [['actions', '__proto__'], /There is no provider "__proto__"/],
  ];
  for (const [args, complaint] of cases) {
    test(`a command line that makes no sense is refused with exit code 2: ${args.join(' ')}`, async () => {
      const { code, printed, complained } = await run(...args);
      assert.equal(code, 2);
      assert.match(complained, complaint);
      assert.match(complained, /^outrigger \w+: /);
      assert.equal(printed, '');
    });
  }

  test('a command line that makes no sense is answered as one document where --json was asked for', async () => {
    const { code, printed, complained } = await run('settings', 'simple', '--json');
    assert.equal(code, 2);
    assert.equal(complained, '');
    const answer = JSON.parse(printed) as Record<string, string>;
    assert.deepEqual([answer['command'], answer['kind']], ['settings', 'usage']);
    assert.match(answer['error'] ?? '', /did you mean "sample"/);
  });

  test('a command line that makes no sense cannot steer the terminal', async () => {
    const { complained } = await run('help', '\x1b[2J\u202Eword');
    assert.match(complained, /\\x1B\[2J\\u\{202E\}word/);
  });
});
