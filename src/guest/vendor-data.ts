import { createHash } from 'node:crypto';
import type { GuestData } from '../contract/guest.ts';
import { multipart, type Part } from './mime.ts';
import { yaml } from './yaml.ts';

/**
 * The part of the seed that comes from the operator and from CloudStack: cloud-init lets the tenant's
 * own data go before it, so that neither touches these. `undefined` where there is none.
 */
export function vendorData(guest: GuestData): Buffer | undefined {
  const { vendorData: operators, password } = guest;
  if (password === undefined) return operators;
  const parts: readonly Part[] = [
    ...(operators === undefined ? [] : [{ content: operators }]),
    { type: 'text/cloud-config', content: Buffer.from(passwordConfig(password)) },
    { type: 'text/cloud-boothook', content: Buffer.from(resetHook(guest, password)) },
  ];
  return Buffer.from(multipart(parts));
}

/** As cloud-init's own source for CloudStack has it: for the image's first user, and never expired. */
export function passwordConfig(password: string): string {
  const config = { password, chpasswd: { expire: false }, ssh_pwauth: true };
  return `#cloud-config\n${yaml(config)}\n`;
}

/**
 * cloud-init sets a password at the first boot only. In a later boot this lets it do so once more, and
 * only once: a user may have chosen another one by the time the guest boots again.
 *
 * The hook runs before cloud-init has stored the new password, so that it leaves the work to a script
 * that cloud-init runs at the end of the boot.
 */
function resetHook({ instanceId }: GuestData, password: string): string {
  // So short that a user of the guest cannot try passwords against it.
  const hash = createHash('sha256').update(`${instanceId}\n${password}`).digest('hex').slice(0, 4);
  return `#cloud-boothook
#!/bin/sh
base=/var/lib/cloud
done=$base/outrigger-password-${hash}
[ -e "$done" ] && exit 0
: >"$done"
ls $base/instance/sem/config_*set_passwords >/dev/null 2>&1 || exit 0
mkdir -p $base/scripts/per-boot
script=$base/scripts/per-boot/outrigger-password
cat >$script <<'END'
#!/bin/sh
rm -f "$0"
exec cloud-init single --name set_passwords --frequency always
END
chmod 700 $script
`;
}
