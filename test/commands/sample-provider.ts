import { adminOnly, everyone } from '../../src/contract/action.ts';
import { defineProvider } from '../../src/contract/provider.ts';
import { oneOf, patterns, text, wholeNumber, yesNo } from '../../src/kit/fields.ts';

/** A provider with one of everything that the reference speaks about. */
export const sample = defineProvider({
  name: 'sample',
  title: 'the sample',
  about: 'Shows what can be defined',
  settings: {
    url: { about: 'Where it answers', schema: text(), required: true, example: 'https://s:1' },
    token: { about: 'What it lets us in with', schema: text(), required: true, secret: true },
    allowed_shapes: { about: 'Patterns of shapes | forms', schema: patterns },
    verify: { about: 'Whether to look twice', schema: yesNo, default: 'true', also: ['check'] },
  },
  blueprint: {
    shape: {
      about: 'What it looks like',
      schema: oneOf('round', 'square'),
      default: 'round',
      within: 'allowed_shapes',
    },
    size_gb: { about: 'How large it is', schema: wholeNumber({ min: 1 }), unit: 'GiB' },
  },
  stored: { sample_id: 'The id on the sample system' },
  actions: {
    Paint: {
      about: 'Gives it a colour',
      parameters: {
        colour: {
          about: 'Which one',
          type: 'STRING',
          schema: text(),
          required: true,
          options: ['red', 'blue'],
        },
        coats: { about: 'How often', type: 'NUMBER', schema: wholeNumber(), default: '1' },
      },
      timeoutSeconds: 30,
      roles: everyone,
      policy: { shiny: { about: 'Whether it may shine', schema: yesNo, default: 'false' } },
    },
    Melt: {
      about: 'Turns it into a puddle',
      parameters: {},
      timeoutSeconds: 60,
      roles: adminOnly,
      destroysData: true,
    },
  },
  prepares: false,
  connect: () => {
    throw new Error('the sample cannot be opened');
  },
});

/** A provider without custom actions, blueprint or stored details. */
export const bare = defineProvider({
  name: 'bare',
  title: 'the bare one',
  about: 'Shows what can be left out',
  settings: {},
  blueprint: {},
  stored: {},
  actions: {},
  prepares: false,
  connect: () => {
    throw new Error('it cannot be opened');
  },
});
