import type { TestContext } from 'node:test';
import type { FakeMachine } from '../../../fakes/maas/machine.ts';
import type { FakeMaas } from '../../../fakes/maas/server.ts';
import type { Context } from '../../../src/contract/context.ts';
import type { Check, Provider } from '../../../src/contract/provider.ts';
import { createDeadline } from '../../../src/kit/deadline.ts';
import { silent } from '../../../src/kit/log.ts';
import { poll } from '../../../src/kit/poll.ts';
import type { Verbs } from '../../../src/lifecycle/index.ts';
import { verbsOf } from '../../../src/lifecycle/index.ts';
import { type Cloud, inScene, installation } from '../../conformance/cloud.ts';
import type { Place } from '../../support/world.ts';
import { type MaasBackend, type MaasOptions, maasBackend } from './backend.ts';

/** The parts that a case about MAAS has besides its CloudStack. */
export interface MaasScene {
  readonly cloud: Cloud;
  readonly fake: FakeMaas;
  readonly provider: Provider;
  readonly backend: MaasBackend;
  readonly place: Place;
  /** The machines of the fake that have an owner. */
  owned(): readonly FakeMachine[];
  /** The one machine that is the instance's. */
  own(): FakeMachine;
}

/** Runs one case against a fake MAAS of its own. */
export function inMaas(
  options: MaasOptions,
  play: (scene: MaasScene, t: TestContext) => Promise<void>,
): (t: TestContext) => Promise<void> {
  return (t) => {
    let backend: MaasBackend | undefined;
    let place: Place | undefined;
    const setUp = async (given: Place): Promise<MaasBackend> => {
      place = given;
      backend = await maasBackend(options);
      return backend;
    };
    return inScene(setUp, async ({ cloud, provider }) => {
      if (backend === undefined || place === undefined) throw new Error('the scene was not set up');
      const { fake } = backend;
      const owned = (): FakeMachine[] =>
        [...fake.world.machines.values()].filter(
          ({ status }) => !['new', 'ready'].includes(status),
        );
      const own = (): FakeMachine => {
        const [machine, second] = owned().filter(({ annotations, agentName }) =>
          `${agentName} ${annotations['outrigger']}`.includes(cloud.vm.uuid),
        );
        if (machine === undefined || second !== undefined) throw new Error('not one machine');
        return machine;
      };
      await play({ cloud, provider, backend, fake, place, owned, own }, t);
    })(t);
  };
}

/** The requests of a gate, shortened to what they asked for. */
export function requests({ seen }: Pick<FakeMaas, 'seen'>): readonly string[] {
  return seen.map(({ method, path, op }) => {
    const where = path.replace(/^\/machines\/[^/]+\/$/, '/machines/ID/');
    return `${method} ${where}${op === '' ? '' : `?op=${op}`}`;
  });
}

/** The form of the last request for an operation. */
export function formOf({ seen }: Pick<FakeMaas, 'seen'>, op: string): URLSearchParams {
  const found = [...seen].reverse().find((request) => request.op === op);
  if (found === undefined) throw new Error(`${op} was never asked for`);
  return new URLSearchParams(found.body);
}

/** Waits for something that goes on in the fake by itself. */
export async function until(what: string, isSo: () => boolean): Promise<void> {
  const look = async (): Promise<true | undefined> => isSo() || undefined;
  await poll(contextNow().deadline, what, look, { firstMs: 5, mostMs: 5 });
}

/** The provider opened as an operator's command does it, beside CloudStack. */
export async function sessionOf(
  scene: MaasScene,
  more: Readonly<Record<string, unknown>> = {},
): Promise<Verbs> {
  return verbsOf(scene.provider, { ...settingsOf(scene), ...more }, contextNow());
}

/** The checks of doctor on the user's machines, by the names of its lines. */
export async function doctorOf(scene: MaasScene): Promise<ReadonlyMap<string, Check>> {
  const settings = { ...settingsOf(scene), shared_user: false };
  const found = (await scene.provider.checks?.(settings, contextNow())) ?? [];
  return new Map(found.map((check) => [check.name, check]));
}

function settingsOf({ fake }: MaasScene) {
  return {
    endpoint: fake.url,
    apikey: fake.user.key,
    api_user: 'cloudstack',
    verify_tls_certificate: true,
    shared_user: true,
  };
}

function contextNow(): Context {
  const times = { endMs: performance.now() + 10_000, undoEndMs: performance.now() + 10_000 };
  const deadline = createDeadline(() => performance.now(), times);
  return { deadline, log: silent, installation, stateDirectory: () => '' };
}
