import assert from 'node:assert/strict';
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import fc from 'fast-check';
import { Failure } from '../../../src/failure.ts';
import { ledger } from '../../cloudstack/ledger.ts';
import { recorded } from '../../cloudstack/recorded.ts';
import { finish } from '../../support/world.ts';
import { makeBench } from './bench-place.ts';
import { hostileJson, hostileText } from './hostile.ts';
import { tryMany } from './runs.ts';
import { checkForm, checkPrototypes } from './verdict.ts';

describe('The dispatcher', () => {
  const outage = async () => {
    throw new Failure('unreachable', 'No server answers');
  };
  const bench = makeBench({ ledger: async () => ledger({ power: outage }).provider });
  after(() => bench.remove());
  const payload = bench.place.payload(recorded('status'), 'good.json');
  const config = join(bench.place.folder, 'hostile.json');

  it('the file answers every command line in every environment', async () => {
    const word = fc.oneof(
      { weight: 3, arbitrary: hostileText() },
      {
        weight: 1,
        arbitrary: fc.constantFrom('status', 'create', '30', payload, '/dev/null', '/'),
      },
    );
    const lines = fc.record({
      argv: fc.oneof(fc.array(word, { maxLength: 6 }), fc.tuple(word, word, word)),
      startedAs: hostileText(),
      home: fc.option(hostileText()),
    });
    await tryMany(
      'command-line',
      lines,
      { few: 100, long: 5000 },
      async ({ argv, startedAs, home }) => {
        const call = bench.place.begin(argv, { startedAs, home: home ?? undefined });
        const { text, exitCode } = await finish(call);
        checkForm({ output: text, exitCode });
        checkPrototypes();
      },
    );
  });

  it('the file answers with every configuration, and makes no file where it must not', async () => {
    const inside = join(bench.place.folder, 'inside');
    mkdirSync(inside);
    const entry = fc.oneof(
      { weight: 3, arbitrary: hostileJson() },
      {
        weight: 2,
        arbitrary: fc.constantFrom('"debug"', 'true', '30', '"/x"', '"/"', '"/x/y"'),
      },
    );
    const part = (...keys: string[]) =>
      fc
        .array(fc.tuple(fc.constantFrom(...keys, '__proto__', 'other'), entry), { maxLength: 3 })
        .map((pairs) => `{${pairs.map(([key, text]) => `"${key}":${text}`).join(',')}}`);
    // Most of the others are refused, and then no file is written.
    const right = fc
      .record({
        log: fc.record({ level: fc.constant('debug'), file: fc.constantFrom('/x', '/x/y') }),
        memo: fc.record({ seconds: fc.constant(30), directory: fc.constantFrom('/x', '/x/y') }),
      })
      .map((config) => JSON.stringify(config));
    const configs = fc.oneof(
      { weight: 1, arbitrary: right },
      { weight: 1, arbitrary: hostileJson() },
      { weight: 1, arbitrary: hostileText() },
      {
        weight: 5,
        arbitrary: fc
          .tuple(
            part('enabled', 'level', 'file'),
            part('seconds', 'directory'),
            part('state_directory', 'secrets_directory', 'keep_payloads'),
          )
          .map(([log, memo, rest]) => `{"log":${log},"memo":${memo},${rest.slice(1)}`)
          .map((text) => text.replace(/,\}$/, '}')),
      },
    );
    // The tests may run as root: every path in it leads into the folder of this test.
    const harmless = configs.map((text) => text.replace(/"\//g, `"${inside}/`));
    await tryMany('configuration', harmless, { few: 100, long: 5000 }, async (text) => {
      writeFileSync(config, text);
      const call = bench.place.begin(['status', payload, '30'], {
        configFile: config,
        mayCreate: false,
      });
      const { text: output, exitCode } = await finish(call);
      const { error = '' } = checkForm({ output, exitCode });
      assert.doesNotMatch(String(error), /should not happen/);
      checkPrototypes();
      assert.deepEqual(readdirSync(inside), [], 'a file was made');
    });
  });
});
