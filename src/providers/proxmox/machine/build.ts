import type { SizedInstance } from '../../../contract/instance.ts';
import { path } from '../../../kit/http/address.ts';
import { run } from '../api/tasks.ts';
import type { Blueprint } from '../blueprint.ts';
import { checkMemory, checkStorage } from './capacity.ts';
import { planClone } from './clone.ts';
import type { Survey } from './cluster-resources.ts';
import { isoOptions, rootStorage, sizeGb } from './iso.ts';
import { type Build, marked, nameFor } from './new-machine.ts';
import type { Session } from './session.ts';

export async function planBuild(
  session: Session,
  instance: SizedInstance,
  blueprint: Blueprint,
  found: Survey,
): Promise<Build> {
  checkMemory(session.settings, found, instance);
  return blueprint.template_type === 'iso'
    ? planIso(session, instance, blueprint, found)
    : planClone(session, instance, blueprint, found);
}

async function planIso(
  session: Session,
  instance: SizedInstance,
  blueprint: Blueprint,
  found: Survey,
): Promise<Build> {
  const { node, pool } = session.settings;
  const storage = rootStorage(blueprint);
  const gib = sizeGb(blueprint);
  checkStorage(session.settings, found.storages, { node, storage, sizeBytes: gib * 1024 ** 3 });
  return {
    kind: 'iso',
    places: [node],
    async make(vmid, begun) {
      const { mark, description } = marked(session, instance, vmid);
      const options = isoOptions(session.settings, instance, blueprint);
      await run(session, {
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
