import { defineProvider, type Provider } from '../../contract/provider.ts';
import { Failure } from '../../failure.ts';
import { settings } from './settings.ts';

/** Any system, through a driver: an executable in any language that knows its primitives. */
export const command: Provider = defineProvider({
  name: 'command',
  title: 'Driver',
  about: 'Machines of any system, through a driver in any language',
  settings,
  blueprint: {},
  stored: {},
  actions: {},
  prepares: false,
  learn: async (site) => (await import('./api/learn.ts')).learn(command, site),
  connect() {
    throw new Failure('config', 'No driver is set', {
      advice: 'Set the extension detail "driver" to the name of a file in /etc/outrigger/drivers',
    });
  },
});
