import assert from 'node:assert/strict';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { describe, it } from 'node:test';

/** Which rooms a room may import from; `npm:` and `node:` are outside the house. */
const doors: Readonly<Record<string, readonly string[]>> = {
  'failure.ts': [],
  'build-stamp.ts': [],
  contract: ['failure.ts', 'contract', 'npm:valibot'],
  kit: ['failure.ts', 'contract', 'kit', 'npm:valibot', 'npm:ofetch', 'node:'],
  lifecycle: ['failure.ts', 'contract', 'kit', 'guest', 'lifecycle', 'npm:valibot'],
  guest: ['failure.ts', 'contract', 'kit', 'guest', 'node:'],
  cloudstack: [
    'failure.ts',
    'contract',
    'kit',
    'guest',
    'lifecycle',
    'cloudstack',
    'npm:valibot',
    'node:',
  ],
  'providers/index.ts': ['contract', 'providers/*'],
  // Its own folder only; siblings are looked for apart.
  'providers/*': [
    'failure.ts',
    'contract',
    'kit',
    'guest',
    'lifecycle',
    'providers/*',
    'npm:valibot',
    'node:',
  ],
  'entry.ts': ['contract', 'lifecycle', 'cloudstack', 'commands', 'node:'],
  'main.ts': ['entry.ts', 'providers/index.ts'],
  commands: [
    'failure.ts',
    'contract',
    'build-stamp.ts',
    'kit',
    'lifecycle',
    'cloudstack',
    'commands',
    'providers/index.ts',
    'npm:valibot',
    'node:',
  ],
};

const source = join(process.cwd(), 'src');
const files = readdirSync(source, { recursive: true })
  .map(String)
  .filter((name) => name.endsWith('.ts') && statSync(join(source, name)).isFile());

function roomOf(file: string): string {
  const [first = '', second = ''] = file.split('/');
  if (first !== 'providers') return first;
  return second === 'index.ts' ? 'providers/index.ts' : 'providers/*';
}

function importsOf(file: string): string[] {
  const text = readFileSync(join(source, file), 'utf8');
  const found = text.matchAll(
    /\bfrom '([^'\n]+)'|\b(?:import|require)\('([^'\n]+)'\)|^import '([^'\n]+)'/gm,
  );
  return [...found].map(([, from, call, bare]) => from ?? call ?? bare ?? '');
}

/** Without comments, which may well say what CloudStack would do. */
function codeOf(file: string): string {
  return readFileSync(join(source, file), 'utf8').replace(/\/\*[\s\S]*?\*\/|^\s*\/\/.*$/gm, '');
}

function targetOf(file: string, name: string): string {
  if (!name.startsWith('.')) return name.startsWith('node:') ? 'node:' : `npm:${name}`;
  return normalize(join(dirname(file), name));
}

describe('the house', () => {
  it('has a rule for every room', () => {
    for (const file of files)
      assert.ok(doors[roomOf(file)] !== undefined, `${file} is in no known room`);
  });

  for (const file of files) {
    it(`lets ${file} import only through open doors`, () => {
      for (const name of importsOf(file)) {
        const target = targetOf(file, name);
        const outside = target === 'node:' || target.startsWith('npm:');
        const room = outside ? target : roomOf(target);
        assert.ok(doors[roomOf(file)]?.includes(room), `${file} imports ${name}`);
        const [, provider = ''] = file.split('/');
        if (roomOf(file) === 'providers/*' && room === 'providers/*') {
          assert.equal(target.split('/')[1], provider, `${file} imports a sibling`);
        }
      }
    });
  }

  it('keeps every product out of the kit and out of the room of CloudStack', () => {
    const products = readdirSync(join(source, 'providers')).filter((name) => name !== 'index.ts');
    assert.ok(products.includes('simulator'));
    // `simulator` is an example in a setting, `command` an ordinary word; the rest are products that exist.
    const names = [
      ...products.filter((name) => name !== 'simulator' && name !== 'command'),
      'proxmox',
      'hyper-?v',
      'maas',
    ];
    for (const file of files.filter((name) =>
      /^(contract|kit|guest|lifecycle|cloudstack)\//.test(name),
    )) {
      // The word for all products of that kind is CloudStack's own.
      const text = readFileSync(join(source, file), 'utf8').replace(/hypervisor/g, '');
      assert.doesNotMatch(text, new RegExp(names.join('|'), 'i'), file);
    }
  });

  it('keeps the words of CloudStack out of the providers', () => {
    const words = /externaldetails|power_state|minRam|maxRam|broadcastUri|cloudstack\.vm\.details/;
    for (const file of files.filter((name) => name.startsWith('providers/'))) {
      // MAAS has one of these words too.
      const code = file.startsWith('providers/maas/')
        ? codeOf(file).replace(/power_state/g, '')
        : codeOf(file);
      assert.doesNotMatch(code, words, file);
    }
  });

  it('lets only the wiring and the commands touch the process or print', () => {
    const allowed = /^(entry\.ts|main\.ts|commands\/)/;
    for (const file of files.filter((name) => !allowed.test(name))) {
      assert.doesNotMatch(
        codeOf(file),
        /\bprocess\.(env|argv|exit|std|pid|cwd|on\b|once|uptime|getuid|version|nextTick)|\bconsole\.(log|error|warn|info)/,
        file,
      );
    }
  });

  it('has no drawer for odds and ends', () => {
    for (const file of files)
      assert.doesNotMatch(file, /(^|\/)(utils?|helpers?|common|misc)(\/|\.ts$)/);
  });
});
