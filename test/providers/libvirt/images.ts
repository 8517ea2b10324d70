import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/**
 * The boot sector of a guest that sleeps until its power button is pressed, and then switches itself off:
 * it lets the ACPI chip watch the button (port 0x602), looks at its state after every tick of the clock
 * (0x600) and asks for S5 (0x604). After every tick it also lets go of each device that is to be unplugged
 * (0xae04 names them, 0xae08 takes the answer).
 */
const bootSector = [
  ...[0x31, 0xc0, 0x8e, 0xd8, 0xfb], // xor ax,ax; mov ds,ax; sti
  ...[0xba, 0x02, 0x06, 0xb8, 0x00, 0x01, 0xef], // mov dx,0x602; mov ax,0x100; out dx,ax
  ...[0xf4, 0xba, 0x04, 0xae, 0x66, 0xed], // sleep: hlt; mov dx,0xae04; in eax,dx
  ...[0x66, 0x85, 0xc0, 0x74, 0x05], // test eax,eax; jz button
  ...[0xba, 0x08, 0xae, 0x66, 0xef], // mov dx,0xae08; out dx,eax
  ...[0xba, 0x00, 0x06, 0xed], // button: mov dx,0x600; in ax,dx
  ...[0xf6, 0xc4, 0x01, 0x74, 0xe7], // test ah,1; jz sleep
  ...[0xba, 0x04, 0x06, 0xb8, 0x00, 0x20, 0xef], // mov dx,0x604; mov ax,0x2000; out dx,ax
  ...[0xeb, 0xde], // jmp sleep
];

/** Where the tests write into a disk, beyond the boot sector. */
export const contentAt = 65_536;
export const diskBytes = 1024 * 1024;

let made: Readonly<Record<string, Buffer>> | undefined;

/** The templates: a guest that boots, the same on a disk of the raw format, and one that cannot start. */
export function images(): Readonly<Record<string, Buffer>> {
  made ??= makeImages();
  return made;
}

function makeImages(): Readonly<Record<string, Buffer>> {
  const folder = mkdtempSync(join(tmpdir(), 'outrigger-images-'));
  const qemuImg = (...words: readonly string[]) =>
    execFileSync('qemu-img', words, { cwd: folder, stdio: 'ignore' });
  try {
    const disk = Buffer.alloc(diskBytes);
    Buffer.from(bootSector).copy(disk);
    disk.writeUInt16LE(0xaa55, 510);
    disk.write('template', contentAt);
    writeFileSync(join(folder, 'guest.raw'), disk);
    qemuImg('convert', '-O', 'qcow2', 'guest.raw', 'guest.qcow2');
    // Its own backing file is missing, which shows when it is opened.
    qemuImg('create', '-u', '-f', 'qcow2', '-b', '/nonexistent', '-F', 'raw', 'broken.qcow2', '1M');
    const names = ['guest.raw', 'guest.qcow2', 'broken.qcow2'];
    return Object.fromEntries(names.map((name) => [name, readFileSync(join(folder, name))]));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
