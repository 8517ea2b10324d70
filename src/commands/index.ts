import type { Commands } from './command.ts';

/** The commands in the order people need them; each is loaded only when it is asked for. */
export const commands: Commands = {
  help: {
    about: 'Explain a command',
    load: async () => (await import('./help.ts')).help,
  },
  version: {
    about: 'Show version, hash and Node of this file, and the providers in it',
    load: async () => (await import('./version.ts')).version,
  },
  demo: {
    about: 'Play CloudStack for one simulated instance, from prepare to delete',
    load: async () => (await import('./demo.ts')).demo,
  },
  invoke: {
    about: 'Run any extension as CloudStack does and say what comes of it',
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
  register: {
    about: 'Make CloudStack know an extension, its actions, clusters and hosts',
    load: async () => (await import('./register.ts')).register,
  },
  log: {
    about: 'Tell what happened to an instance, call by call, from all servers',
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
