import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  descriptionOf,
  errorMessageOf,
  inOrderOfList,
  longestText,
  successMessageOf,
} from '../../src/commands/register/form.ts';
import { registry } from '../../src/providers/index.ts';

/*
 * The forms of CloudStack's user interface, as far as texts make them: CloudStack refuses a description
 * or a message of more than 255 characters.
 */

for (const [name, load] of Object.entries(registry)) {
  describe(`the forms of ${name}`, () => {
    it('explain every action and each of its parameters in 255 characters', async () => {
      for (const [key, action] of inOrderOfList(await load())) {
        const text = descriptionOf(action);
        assert.ok(text.length <= longestText, `${key}: ${text.length} characters: ${text}`);
        for (const parameter of Object.keys(action.parameters)) {
          assert.ok(text.includes(`${parameter}: `), `${key} explains ${parameter}: ${text}`);
        }
        assert.match(text, /^[\x20-\x7e]*$/, 'shown in one paragraph, also by old databases');
      }
    });

    it('say first of all where an action throws data away', async () => {
      for (const [key, action] of inOrderOfList(await load())) {
        const text = descriptionOf(action);
        const loses = action.destroysData === true || key === 'RestoreSnapshot';
        assert.equal(/^Throws (the instance's data )?away/.test(text), loses, text);
        if (action.destroysData === true) assert.match(text, /confirm: the instance's ID/);
      }
    });

    it('have a sentence for success, and one for failure that leads to the reason', async () => {
      for (const [key, action] of inOrderOfList(await load())) {
        const success = successMessageOf(action) ?? '';
        const failure = errorMessageOf(action, key, 'ShowErrors');
        assert.ok(success.length > 0 && success.length <= longestText, `${key}: ${success}`);
        assert.ok(
          action.failed !== undefined && failure.length <= longestText,
          `${key}: ${failure}`,
        );
        if (key !== 'ShowErrors') assert.match(failure, /ShowErrors gives the reason\.$/);
      }
    });

    it('stand in a list from everyday to dangerous', async () => {
      const keys = inOrderOfList(await load()).map(([key]) => key);
      const ranks = ['ListSnapshots', 'CreateSnapshot', 'Reset', 'RestoreSnapshot', 'Reinstall'];
      const there = ranks.filter((key) => keys.includes(key));
      assert.deepEqual(
        keys.filter((key) => there.includes(key)),
        there,
      );
      assert.ok(keys.indexOf('ShowErrors') < keys.length / 2);
    });
  });
}
