import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { readKey } from '../../../fakes/http/keys.ts';
import { certificateCheck } from '../../../src/providers/libvirt/doctor/checks.ts';

describe("doctor's look at the client certificate of libvirt", () => {
  const { cert } = readKey('trusted');
  const at = (date: string) =>
    certificateCheck({ client_cert_file: String(cert) }, new Date(date)).state;

  it('says when it has run out, and when it cannot be read', () => {
    assert.equal(at('2999-01-01'), 'fail');
    const broken = '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n';
    assert.equal(certificateCheck({ client_cert_file: broken }, new Date()).state, 'fail');
    assert.equal(at('2020-01-01'), 'ok');
  });
});
