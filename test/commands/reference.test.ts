import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import { reference } from '../../src/commands/reference.ts';
import { referenceIn } from '../../src/commands/reference-page.ts';
import { runCommand } from '../../src/commands/run.ts';
import type { NetworkProvider } from '../../src/contract/network.ts';
import { text } from '../../src/kit/fields.ts';
import { registry } from '../../src/providers/index.ts';
import { bare, sample } from './sample-provider.ts';
import { createWorld } from './world.ts';

async function printed(args: readonly string[], terminal = false): Promise<string> {
  const world = createWorld({ providers: { sample, bare }, terminal, env: { NO_COLOR: '1' } });
  assert.equal(await runCommand(args, world), 0);
  return world.printed();
}

describe('The reference in the documentation', () => {
  for (const name of Object.keys(registry)) {
    test(`the reference of ${name} is the one its definitions give`, async () => {
      const page = `docs/providers/${name}.md`;
      const provider = await registry[name]?.();
      assert.ok(provider !== undefined);
      const found = readFileSync(page, 'utf8');
      const advice = `${page} is out of date: run node tools/docs.mjs`;
      assert.equal(referenceIn(found), reference(provider, await provider.network?.()), advice);
    });
  }
});

describe('The reference', () => {
  test('the reference gives the default of each setting, or calls it required', () => {
    const text = reference(sample);
    assert.match(text, /^\| `url` \| required \| Where it answers\. Example: `https:\/\/s:1` \|$/m);
    assert.match(text, /^\| `verify` \| `true` \| Whether to look twice\. Also as `check` \|$/m);
  });

  test('the reference says of secrets how to keep them in a file', () => {
    assert.match(reference(sample), /`token` .* Secret; `token_file` names a file/);
  });

  test('the reference lists the choices of an instance with their limits', () => {
    const text = reference(sample);
    assert.match(text, /^\| `shape` \| `round` \| `allowed_shapes` \| What it looks like \|$/m);
    assert.match(text, /^\| `size_gb` \| {2}\| {2}\| How large it is \(GiB\) \|$/m);
  });

  test('the reference lists actions with roles, time-out, parameters and the details of the action', () => {
    const text = reference(sample);
    assert.match(text, /^\| `Paint` \| everyone \| 30 s \|/m);
    assert.match(text, /^\| `colour` \| STRING: red, blue \| required \| Which one \|$/m);
    assert.match(text, /^### Details of the action Paint\n\n.*\n.*\n\| `shiny` \| `false` \|/m);
  });

  test('the reference says that an action throws data away and wants the instance’s name', () => {
    const text = reference(sample);
    assert.match(text, /`Melt` .* \| Throws the instance's data away\. Turns it/);
    assert.match(text, /### Parameters of Melt\n\n.*\n.*\n\| `confirm` \| STRING \| required/);
  });

  test('the reference includes the settings that every provider has', () => {
    assert.match(reference(bare), /\| `provider` \|/);
  });

  test('the reference of a network half names the settings of both halves and explains its own', () => {
    const { url } = sample.settings;
    const zone = { about: 'Where networks are made', schema: text() };
    const half: NetworkProvider = {
      settings: { url: url ?? zone, zone },
      offers: { networks: true, guests: false },
      connect: () => ({}),
    };
    const page = reference(sample, half);
    assert.match(page, /As above are `url`, `provider`, `installation`/);
    assert.match(page, /^\| `zone` \| {2}\| Where networks are made \|$/m);
    assert.doesNotMatch(reference(sample), /network half/);
  });

  test('the reference does not break its tables by a bar in a sentence', () => {
    assert.match(reference(sample), /Patterns of shapes \\\| forms/);
  });
});

describe('settings and actions', () => {
  test('settings and actions together print the text of the documentation', async () => {
    const parts = [
      await printed(['settings', 'sample', '--markdown']),
      await printed(['actions', 'sample', '--markdown']),
    ];
    assert.equal(`${parts.join('\n\n')}\n`, reference(sample));
  });

  test('settings and actions print something to read within 100 columns, without Markdown', async () => {
    const text = `${await printed(['settings', 'sample'])}\n${await printed(['actions', 'sample'])}`;
    assert.doesNotMatch(text, /`|^\||---/m);
    assert.match(text, /^ {2}url +required +Where it answers\. Example: https:\/\/s:1$/m);
    for (const line of text.split('\n')) assert.ok(line.length <= 100, line);
  });

  test('settings and actions print facts with --json', async () => {
    const facts = JSON.parse(await printed(['settings', 'sample', '--json'])) as {
      settings: Record<string, object>;
      stored: object;
    };
    assert.deepEqual(facts.settings['url'], {
      about: 'Where it answers',
      required: true,
      example: 'https://s:1',
    });
    assert.deepEqual(facts.stored, { sample_id: 'The id on the sample system' });
    const actions = JSON.parse(await printed(['actions', 'sample', '--json'])) as {
      Melt: { timeoutSeconds: number; parameters: object };
    };
    assert.equal(actions.Melt.timeoutSeconds, 60);
    assert.deepEqual(Object.keys(actions.Melt.parameters), ['confirm']);
  });

  test('settings and actions say so where there is nothing', async () => {
    assert.match(await printed(['settings', 'bare']), /^None\.$/m);
    assert.match(await printed(['actions', 'bare']), /Meaning\n {2}ShowErrors .*(\n {5,}.*)*\n$/);
  });
});
