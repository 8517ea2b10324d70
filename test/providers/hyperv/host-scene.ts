import type { TestContext } from 'node:test';
import { newMachine } from '../../../fakes/winrm/state.ts';
import { type FakeHyperV, type FakeOptions, startHyperV } from '../../../fakes/winrm/wsman.ts';
import type { Context } from '../../../src/contract/context.ts';
import type { Power } from '../../../src/contract/machine.ts';
import { silent } from '../../../src/kit/log.ts';
import { verbsOf } from '../../../src/lifecycle/index.ts';
import { writeMark } from '../../../src/lifecycle/mark.ts';
import { type Host, openHost } from '../../../src/providers/hyperv/api/client.ts';
import { hyperv } from '../../../src/providers/hyperv/index.ts';
import type { Settings } from '../../../src/providers/hyperv/settings.ts';
import { deadlineIn } from '../../support/http-client.ts';
import { hostDetails } from './backend.ts';
import { settingsOf } from './scene.ts';

/** A fake host and what one action would use to talk to it. */
export interface HostScene {
  readonly fake: FakeHyperV;
  readonly host: Host;
  readonly context: Context;
  readonly settings: Settings;
}

interface Options extends FakeOptions {
  readonly details?: Readonly<Record<string, string>>;
  readonly ms?: number;
}

/** A host of its own, gone after the test. */
export async function hostScene(t: TestContext, options: Options = {}): Promise<HostScene> {
  const fake = await startHyperV(options);
  const settings = settingsOf({ ...hostDetails(fake), ...options.details });
  const context: Context = {
    deadline: deadlineIn(options.ms ?? 10_000),
    log: silent,
    installation: 'cloud',
    stateDirectory: () => '',
  };
  const host = openHost(settings, context);
  t.after(async () => {
    await host.close();
    await fake.close();
  });
  return { fake, host, context, settings };
}

/** All states, as an action of its own, of a host that has a machine of ours. */
export async function powersOf({
  fake,
  settings,
  context,
}: HostScene): Promise<ReadonlyMap<string, Power>> {
  plantOwn(fake);
  const session = verbsOf(hyperv, settings, context);
  return session.powers();
}

/** A report of a host where nothing was ever made ends as a failure. */
function plantOwn({ state: { machines } }: FakeHyperV): void {
  if (machines.size > 0) return;
  const own = newMachine({ name: 'i-2-1-VM' });
  const uuid = '00000000-0000-4000-8000-000000000001';
  const about = { uuid, name: own.name, installation: 'cloud', remoteId: own.id } as const;
  own.notes = writeMark({ ...about, state: 'built', origin: 'created' });
  machines.set(own.id, own);
}
