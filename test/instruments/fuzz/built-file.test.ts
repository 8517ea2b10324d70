import assert from 'node:assert/strict';
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import fc from 'fast-check';
import { isCommandWord } from '../../../src/commands/words.ts';
import { copyAlone, spawnFile } from '../../support/spawned.ts';
import { type Example, examples, onceIn } from './example.ts';
import { hostileJson, hostileText } from './hostile.ts';
import { tryMany } from './runs.ts';
import { checkForm, checkSecrets } from './verdict.ts';

interface Started {
  readonly example: Example;
  readonly argv: readonly string[] | null;
  readonly env: Readonly<Record<string, string>>;
  readonly config: string | null;
}

/** Names that change how a program or Node itself behaves. */
const names = [
  'HOME',
  'TZ',
  'TMPDIR',
  'NODE_OPTIONS',
  'NODE_DEBUG',
  'NODE_PATH',
  'NODE_ENV',
  'NODE_EXTRA_CA_CERTS',
  'NODE_TLS_REJECT_UNAUTHORIZED',
  'NODE_NO_WARNINGS',
  'NODE_PENDING_DEPRECATION',
  'SSL_CERT_FILE',
  'HTTPS_PROXY',
  'FORCE_COLOR',
  'DEBUG',
  'UV_THREADPOOL_SIZE',
  'OUTRIGGER_CONFIG',
];

const noNul = () => hostileText().filter((text) => !text.includes('\0') && text.length < 60_000);

function starts(): fc.Arbitrary<Started> {
  return fc.record({
    example: examples('simulator', ['Reset', 'ListSnapshots', 'CreateSnapshot']),
    argv: onceIn(5, fc.array(noNul(), { maxLength: 5 })).filter(
      (argv) => argv === null || !isCommandWord(argv[0] ?? ''),
    ),
    env: fc
      .tuple(
        fc.dictionary(fc.constantFrom(...names), noNul(), { maxKeys: 4 }),
        // Node itself dies of longer names before it comes to any script (seen with 20.20).
        fc.dictionary(fc.constantFrom('LANG', 'LC_ALL'), fc.constantFrom(...locales)),
      )
      .map(([env, locale]) => ({ ...env, ...locale })),
    config: onceIn(6, hostileJson()),
  });
}

function homeIn(folder: string, { HOME: home }: Started['env']): Started['env'] {
  return home?.startsWith('/') === true ? { HOME: `${folder}${home}` } : {};
}

const locales = ['', 'C', 'C.UTF-8', 'POSIX', 'en_US', 'de_DE.UTF-8', 'ja_JP.SJIS', 'x'];

describe('The built file', () => {
  const alone = copyAlone();
  after(alone.remove);
  const home = join(alone.folder, '../home');
  mkdirSync(home);
  chmodSync(home, 0o777);
  const logFile = join(home, 'outrigger.log');
  const payload = join(home, 'payload.json');

  it('the built file prints one document for every command line, environment and content of its files', async () => {
    await tryMany(
      'built-file',
      starts(),
      { few: 5, long: 1000 },
      ({ example, argv, env, config }) => {
        writeFileSync(logFile, '');
        writeFileSync(payload, example.payload);
        const inside = {
          log: { file: logFile, level: 'debug' },
          state_directory: join(home, 'state'),
        };
        // The tests may run as root: no path leads out of the folder of this test.
        const odd = config?.replace(/"\//g, `"${home}/odd/`);
        writeFileSync(join(home, 'config.json'), odd ?? JSON.stringify(inside));
        const { action, timeout } = example;
        const line = argv ?? (/\0/.test(action + timeout) ? [] : [action, payload, timeout]);
        if (line.join('').length > 100_000) return;
        const started = performance.now();
        const { output, exitCode, signal } = spawnFile(alone.file, line, {
          env: { OUTRIGGER_CONFIG: join(home, 'config.json'), ...env, ...homeIn(home, env) },
        });
        assert.equal(signal, null);
        checkForm({ output, exitCode });
        checkSecrets(output, readFileSync(logFile, 'utf8'));
        assert.ok(performance.now() - started < 20_000);
      },
    );
  });
});
