import type { Console } from '../../../contract/driver.ts';
import type { Instance } from '../../../contract/instance.ts';
import { Failure } from '../../../failure.ts';
import { fillConsoleUrl } from '../../../lifecycle/shared-settings.ts';

/** The operator's own address with the instance filled in: CloudStack cannot show Hyper-V's screens. */
export function openConsole(template: string | undefined, instance: Instance): Console {
  if (template !== undefined) {
    return { kind: 'direct', url: fillConsoleUrl(template, instance) };
  }
  throw new Failure('unsupported', 'Hyper-V shows its consoles over RDP, which CloudStack cannot', {
    advice: 'Use vmconnect on the host, or set console_url to a gateway of your own',
    tenant: 'The console of this instance is not offered here',
  });
}
