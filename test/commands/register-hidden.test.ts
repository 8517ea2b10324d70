import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { releaseOf } from '../../src/commands/api/release.ts';
import { checkHidden } from '../../src/commands/register/hidden.ts';

const cluster = (details: Record<string, string>) => ({
  clusters: [{ name: 'hv', mayBeMade: true, details, hosts: [] }],
});

describe('details that CloudStack hides in a registration with a cluster', () => {
  it('are refused by name from 4.23 on, since they would never reach the file', () => {
    for (const key of ['password', 'Password', 'SSHKEY']) {
      const wanted = cluster({ url: 'x', [key]: 'secret' });
      assert.throws(
        () => checkHidden(wanted, releaseOf('4.23.0.0')),
        new RegExp(`no detail "${key}" of cluster hv`),
      );
      checkHidden(wanted, releaseOf('4.22.1.0'));
    }
    checkHidden(cluster({ password_file: 'hv', secret: 'x' }), releaseOf('24.0'));
  });
});
