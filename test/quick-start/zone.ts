import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import type { FakeCloudStack } from '../../fakes/cloudstack-api/server.ts';
import type { FakeHost, FakeTemplate, Texts } from '../../fakes/cloudstack-api/state.ts';
import { callAsCloudStack } from '../../src/commands/as-cloudstack/call.ts';
import { type Conclusion, conclude } from '../../src/commands/as-cloudstack/conclude.ts';
import { type Details, payloadFor } from '../../src/commands/conform/payloads.ts';
import {
  type SampleInstance,
  sampleInstance,
  withPrepared,
} from '../../src/commands/conform/sample-instance.ts';
import type { ApiCall } from './cmk.ts';

export interface Zone {
  /** Does what the management server does for the call of an operator. */
  obey(call: ApiCall): Promise<void>;
  /** The values for the words in capital letters of a page, as they are now. */
  ids(): Readonly<Record<string, string>>;
  /** The power of the instance when it was listed last. */
  readonly power: string | undefined;
}

export interface Installed {
  /** The directory of the extensions. */
  readonly tree: string;
  readonly env: Readonly<Record<string, string>>;
}

/** The commands of CloudStack for instances, over the extension as it is registered and installed. */
export function startZone(cloud: FakeCloudStack, installed: Installed): Zone {
  const { state } = cloud;
  const offering = randomUUID();
  const network = randomUUID();
  let instance: SampleInstance | undefined;
  let power: string | undefined;

  const call = async (action: string): Promise<Conclusion> => {
    assert.ok(instance);
    const details = detailsNow();
    const payload = payloadFor(action, instance, details);
    const executable = `${installed.tree}/${extensionNow().path}`;
    const run = await callAsCloudStack({
      ...{ executable, action, payload, env: installed.env, timeoutSeconds: 60 },
    });
    const conclusion = conclude(action, run, payload);
    assert.ok(conclusion.success, `${action}: ${conclusion.verdict}\n${run.output}`);
    return conclusion;
  };
  const extensionNow = () => {
    const found = state.extensions.find(({ id }) => id === template().extensionId);
    assert.ok(found, 'the template has an extension');
    return found;
  };
  const template = (): FakeTemplate => only(state.templates, 'template');
  const host = (): FakeHost => only(state.hosts, 'host');
  const detailsNow = (): Details => {
    const cluster = state.clusters.find(({ id }) => id === host().clusterId);
    return {
      extension: extensionNow().details,
      resourcemap: cluster?.registration?.details ?? {},
      host: plain(host().details),
      virtualmachine: plain(template().details),
    };
  };

  const deploy = async (parameters: ApiCall['parameters']): Promise<void> => {
    assert.equal(parameters.get('templateid'), template().id);
    instance = sampleInstance(1);
    if (extensionNow().hidden['orchestratorrequirespreparevm'] === 'true') {
      const { prepared } = await call('prepare');
      if (prepared !== undefined) instance = withPrepared(instance, prepared);
    }
    await call('create');
  };
  const destroy = async (): Promise<void> => {
    await call('stop');
    await call('delete');
    instance = undefined;
  };
  const commands: Readonly<Record<string, (given: ApiCall['parameters']) => Promise<void> | void>> =
    {
      deployVirtualMachine: deploy,
      async listVirtualMachines() {
        power = (await call('status')).power;
      },
      destroyVirtualMachine: destroy,
      prepareHostForMaintenance() {
        assert.equal(instance, undefined, 'no instance runs any more');
        host().resourceState = 'Maintenance';
      },
      deleteHost() {
        assert.equal(host().resourceState, 'Maintenance');
        state.hosts.splice(0);
      },
      deleteTemplate: () => void state.templates.splice(0),
    };
  return {
    async obey({ command, parameters }) {
      const obeyed = commands[command];
      assert.ok(obeyed, `the test knows ${command}`);
      await obeyed(parameters);
    },
    ids: () => ({
      ZONE_ID: state.zones[0]?.id ?? '',
      TEMPLATE_ID: state.templates[0]?.id ?? 'TEMPLATE_ID',
      HOST_ID: state.hosts[0]?.id ?? 'HOST_ID',
      ...{ OFFERING_ID: offering, NETWORK_ID: network },
      INSTANCE_ID: instance?.uuid ?? 'INSTANCE_ID',
    }),
    get power() {
      return power;
    },
  };
}

function only<Entry>(entries: readonly Entry[], what: string): Entry {
  const [entry, ...more] = entries;
  assert.ok(entry, `there is a ${what}`);
  assert.deepEqual(more, []);
  return entry;
}

function plain(details: Texts): Texts {
  const entries = Object.entries(details).map(([key, value]) => [
    key.replace(/^External:/, ''),
    value,
  ]);
  return Object.fromEntries(entries) as Texts;
}
