import assert from 'node:assert/strict';
import { it } from 'node:test';
import { isOwnPayloadFile } from '../../src/cloudstack/remove-payload.ts';

const name = '0b6a2f0e-9a54-4d4e-8df2-7a4f3a1c0001.json';

it("A payload file is CloudStack's own if it has a UUID as its name, in a folder of an extension, in any home of CloudStack", () => {
  for (const home of ['/var/lib/cloudstack/management', '/var/cloudstack/management']) {
    assert.ok(isOwnPayloadFile(`${home}/extensions/My Extension/${name}`, undefined));
  }
  assert.ok(isOwnPayloadFile(`/srv/cs/extensions/x/${name}`, '/srv/cs'));
  assert.ok(isOwnPayloadFile(`/srv/cs/extensions/x/${name}`, '/srv/cs//'));
});

it("A file in another folder or with another name is not CloudStack's own payload file", () => {
  const place = '/var/lib/cloudstack/management/extensions';
  for (const file of [
    `/srv/cs/extensions/x/${name}`,
    `${place}/${name}`,
    `${place}/../${name}`,
    `${place}/./${name}`,
    `${place}//${name}`,
    `${place}/x/y/${name}`,
    `${place}/x/${name}/${name}`,
    `${place}/x/payload.json`,
    `${place}/x/${name}.bak`,
    `${place}/x/x${name}`,
    `/tmp${place}/x/${name}`,
    `extensions/x/${name}`,
  ]) {
    assert.ok(!isOwnPayloadFile(file, undefined), file);
  }
});
