import type { SizedInstance } from '../../contract/instance.ts';
import { path } from '../../kit/http/address.ts';
import type { Blueprint } from './blueprint.ts';
import { planClone } from './clone.ts';
import { isoOptions, rootStorage, sizeGb } from './iso.ts';
import { type Build, marked, nameFor } from './new-machine.ts';
import type { Rig } from './rig.ts';
import { checkMemory, checkStorage } from './room.ts';
import type { Survey } from './survey.ts';
import { run } from './tasks.ts';

export async function planBuild(
  rig: Rig,
  instance: SizedInstance,
  blueprint: Blueprint,
  found: Survey,
): Promise<Build> {
  checkMemory(rig.settings, found, instance);
  return blueprint.template_type === 'iso'
    ? planIso(rig, instance, blueprint, found)
    : planClone(rig, instance, blueprint, found);
}

async function planIso(
  rig: Rig,
  instance: SizedInstance,
  blueprint: Blueprint,
  found: Survey,
): Promise<Build> {
  const { node, pool } = rig.settings;
  const storage = rootStorage(blueprint);
  const gib = sizeGb(blueprint);
  checkStorage(rig.settings, found.storages, { node, storage, sizeBytes: gib * 1024 ** 3 });
  return {
    kind: 'iso',
    places: [node],
    async make(vmid, begun) {
      const { mark, description } = marked(rig, instance, vmid);
      const options = isoOptions(rig.settings, instance, blueprint);
      await run(rig, {
        path: path`/nodes/${node}/qemu`,
        params: {
          vmid,
          name: nameFor(instance, blueprint),
          description,
          ...options,
          ...(pool === undefined ? {} : { pool }),
        },
        what: `make machine ${vmid} on ${node}`,
        doing: `making the disk of machine ${vmid}`,
        takenBack: true,
        begun,
      });
      // The disk has that size now, so that it need not grow.
      const scsi0 = `${options['scsi0']},size=${gib}G`;
      return { vmid, node, mark, config: { ...options, scsi0, description } };
    },
  };
}
