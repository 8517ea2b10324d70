import * as v from 'valibot';
import type { Fields, Values } from '../../../contract/field.ts';
import { text } from '../../../kit/fields.ts';
import { nodes } from '../../../lifecycle/shared-settings.ts';
import { connectionSettings } from '../settings-connection.ts';
import { machineSettings } from '../settings-machine.ts';

const { seed_storage, vendor_data } = machineSettings;

/** Numbers of VLANs or VXLANs, both ends included. */
export interface Tags {
  readonly low: number;
  readonly high: number;
}

const highest = 16_777_215;

/** Details of the registration with the physical network. */
export const settings = {
  ...connectionSettings,
  nodes: {
    ...nodes,
    about:
      'The nodes that every network, and the data of every guest, has to be on before an instance starts; unset: all that have the zone or the storage',
    example: 'pve1,pve2',
  },
  sdn_zone: {
    about:
      'The SDN zone in which each network of CloudStack gets a vnet; an operator makes the zone',
    schema: text({
      most: 8,
      pattern: /^[A-Za-z][A-Za-z0-9]*[A-Za-z0-9]$/,
      wants: 'the name of a zone: a letter, then letters and digits, 8 at most',
    }),
    example: 'cloud',
  },
  sdn_tags: {
    about:
      'The VLANs, or VXLAN numbers, for networks that CloudStack chose none for; unset: 65536-16777215 in a zone of VXLANs, none in a zone of VLANs',
    schema: () =>
      v.pipe(
        text({ pattern: /^\d{1,8} *- *\d{1,8}$/, wants: 'two numbers with a dash between them' })(),
        v.transform((line): Tags => {
          const [low = 0, high = 0] = line.split('-').map(Number);
          return { low, high };
        }),
        v.check(
          ({ low, high }) => low >= 1 && high >= low && high <= highest,
          `must be a range between 1 and ${highest}`,
        ),
      ),
    example: '2000-2999',
  },
  seed_storage,
  vendor_data,
} as const satisfies Fields;

export type NetworkSettings = Values<typeof settings>;

/** The numbers that a zone of VXLANs takes from where no setting says so: no VLAN is among them. */
export const usualVxlans: Tags = { low: 65_536, high: highest };
