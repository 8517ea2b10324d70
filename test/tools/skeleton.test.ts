import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, it } from 'node:test';
import { acmeBackend } from '../../tools/skeleton/backend.ts';
import { conformance } from '../conformance/index.ts';

conformance('the skeleton of a provider', acmeBackend);

describe('a new provider', () => {
  const script = `import { filesOf } from './tools/new-provider.mjs';
    console.log(JSON.stringify([...filesOf('zeta-cloud', 'Zeta Cloud')]));`;
  const files = new Map<string, string>(
    JSON.parse(
      execFileSync(process.execPath, ['--input-type=module', '-e', script], { encoding: 'utf8' }),
    ) as [string, string][],
  );

  it('has client, driver, settings, checks, fake, backend and suite, in at most ten files', () => {
    for (const file of ['index.ts', 'settings.ts', 'api/client.ts', 'machine/driver.ts']) {
      assert.ok(files.has(`src/providers/zeta-cloud/${file}`), file);
    }
    assert.ok(files.has('fakes/zeta-cloud/server.ts'));
    assert.ok(files.has('fakes/zeta-cloud/main.ts'));
    assert.ok(files.has('test/providers/zeta-cloud/conformance.test.ts'));
    assert.ok(files.size <= 10, `${files.size} files`);
  });

  it('imports only files that exist', () => {
    for (const [path, text] of files) {
      for (const [, target = ''] of text.matchAll(/from '(\.[^']+)'/g)) {
        const file = join(dirname(path), target);
        assert.ok(files.has(file) || existsSync(file), `${path} imports ${target}`);
      }
    }
  });

  it('carries its own name and no other', () => {
    for (const [path, text] of files) assert.doesNotMatch(text, /acme/i, path);
    assert.match(files.get('src/providers/zeta-cloud/index.ts') ?? '', /name: 'zeta-cloud'/);
    assert.match(files.get('src/providers/zeta-cloud/index.ts') ?? '', /title: 'Zeta Cloud'/);
  });

  it('has at most 290 lines of its own, without fake and tests', () => {
    const own = [...files].filter(([path]) => path.startsWith('src/'));
    const lines = own.reduce((sum, [, text]) => sum + text.split('\n').length - 1, 0);
    assert.ok(lines <= 290, `${lines} lines`);
  });
});
