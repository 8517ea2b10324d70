import type { Commands } from './command.ts';

/** The commands in the order people need them; each is loaded only when it is asked for. */
export const commands: Commands = {
  help: {
    about: 'Explain a command',
    load: async () => (await import('./help.ts')).help,
  },
  version: {
    about: 'Show version, hash, Node.js and providers of this file',
    load: async () => (await import('./version.ts')).version,
  },
  demo: {
    about: 'Play CloudStack for one simulated instance, from prepare to delete',
    load: async () => (await import('./demo.ts')).demo,
  },
  invoke: {
    about: 'Run any extension as CloudStack does and show the conclusion',
    load: async () => (await import('./invoke.ts')).invoke,
  },
  conform: {
    about: "Try any extension against CloudStack's contract, rule by rule",
    load: async () => (await import('./conform.ts')).conform,
  },
  settings: {
    about: 'List the details a provider reads',
    load: async () => (await import('./settings.ts')).settings,
  },
  actions: {
    about: 'List the custom actions a provider offers',
    load: async () => (await import('./actions.ts')).actions,
  },
  doctor: {
    about: 'Check everything between this server and a working instance',
    load: async () => (await import('./doctor.ts')).doctor,
  },
  driver: {
    about: 'Write, try and check a driver: an extension in any language',
    load: async () => (await import('./driver.ts')).driver,
  },
  register: {
    about: 'Register an extension, its actions, clusters and hosts in CloudStack',
    load: async () => (await import('./register.ts')).register,
  },
  log: {
    about: 'Show the calls for an instance, one by one, from all servers',
    load: async () => (await import('./log.ts')).log,
  },
  audit: {
    about: "Compare the remote systems' machines with CloudStack's instances",
    load: async () => (await import('./audit.ts')).audit,
  },
  adopt: {
    about: 'Mark existing machines for the instances they belong to',
    load: async () => (await import('./adopt.ts')).adopt,
  },
};
