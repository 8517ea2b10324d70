import type { Console } from '../../contract/driver.ts';
import type { Instance } from '../../contract/instance.ts';
import { Failure } from '../../failure.ts';
import { fillConsoleUrl } from '../../lifecycle/shared-settings.ts';
import { show } from './find.ts';
import type { Rig } from './script.ts';

/** The operator's address with the instance filled in; the simulator has no screen of its own. */
export async function openConsole(rig: Rig, instance: Instance): Promise<Console> {
  const { console_url: template } = rig.settings;
  if (template === undefined) {
    throw new Failure('unsupported', 'This simulator has no console', {
      advice: 'Set console_url',
      tenant: 'This instance has no console',
    });
  }
  show(rig, instance);
  return { kind: 'direct', url: fillConsoleUrl(template, instance) };
}
