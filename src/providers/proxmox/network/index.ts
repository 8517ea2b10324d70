import { defineNetworkProvider } from '../../../contract/network.ts';
import { connectionIssues } from '../settings-connection.ts';
import { openSession } from './session.ts';
import { settings } from './settings.ts';

/** A vnet of Proxmox VE's SDN for each network of CloudStack. */
export const network = defineNetworkProvider({
  settings,
  offers: { networks: true, guests: true },
  settingsIssues: connectionIssues,
  checks: async (given, context) => (await import('./checks.ts')).checks(given, context),
  connect: async (given, context) => {
    const { sdn_zone: zone, seed_storage: storage } = given;
    const session = openSession(given, context);
    return {
      ...(zone === undefined
        ? {}
        : { networks: (await import('./driver.ts')).networks(session, zone) }),
      guests: (await import('./guests.ts')).guests(session, storage),
    };
  },
});
