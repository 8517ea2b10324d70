import assert from 'node:assert/strict';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { it } from 'node:test';
import { answerInternal } from '../../src/cloudstack/internal-command.ts';
import { makePlace } from '../support/world.ts';

const command = 'com.cloud.agent.api.GetVmIpAddressCommand';
const uuid = '8f4e2a6c-0e57-4a8b-a8d5-4c4f6d6a7b10';

/** A call as CloudStack makes it, with its payload where CloudStack writes it. */
function calledWith(config: unknown) {
  const place = makePlace({});
  const home = join(place.folder, 'home');
  const file = join(home, `extensions/My Extension/${uuid}.json`);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, JSON.stringify({ action: command }));
  const configFile = join(place.folder, 'own-config.json');
  if (config !== undefined) {
    writeFileSync(configFile, typeof config === 'string' ? config : JSON.stringify(config));
  }
  const answer = answerInternal([command, file, '5'], { configFile, home });
  const left = existsSync(file);
  place.remove();
  return { answer, left };
}

it("a command of CloudStack's own is answered at once, and its payload file removed", () => {
  for (const config of [undefined, {}, { log: { level: 'info' } }]) {
    const { answer, left } = calledWith(config);
    assert.equal(answer?.exitCode, 0);
    assert.equal(left, false);
  }
});

it("a command of CloudStack's own is left to the whole program where its line or payload is wanted", () => {
  const wanted = [{ log: { level: 'debug' } }, { keep_payloads: true }, '{'];
  for (const config of wanted)
    assert.deepEqual(calledWith(config), { answer: undefined, left: true });
});

it('no other word is taken for a command of CloudStack’s own', () => {
  const world = { configFile: '/proc/no-config', home: undefined };
  for (const action of ['status', 'CreateSnapshot', 'a.b c', '.x', 'Com.x', 'x.']) {
    assert.equal(answerInternal([action, '/x', '5'], world), undefined, action);
  }
  const refused = answerInternal(['com.cloud.agent.api.PlugNicCommand', '/x', '5'], world);
  assert.equal(refused?.exitCode, 1);
});
