import type { GuestData } from '../contract/guest.ts';
import { configDriveFiles } from './config-drive.ts';
import { isoImage } from './iso/image.ts';
import { noCloudFiles } from './no-cloud.ts';

export type SeedForm = 'cloud-init' | 'cloudbase-init';

/** The image of a CD that tells the guest all that it is to know; the same data make the same bytes. */
export function seedImage(guest: GuestData, form: SeedForm = formFor(guest)): Buffer {
  return form === 'cloud-init'
    ? isoImage('cidata', noCloudFiles(guest))
    : isoImage('config-2', configDriveFiles(guest));
}

function formFor({ system }: GuestData): SeedForm {
  return system === 'windows' ? 'cloudbase-init' : 'cloud-init';
}
