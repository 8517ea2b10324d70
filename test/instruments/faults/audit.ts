import { join } from 'node:path';
import { compare } from '../../../src/commands/audit/compare.ts';
import type { Finding } from '../../../src/commands/audit/finding.ts';
import type { Listed } from '../../../src/commands/audit/listed.ts';
import { scanHosts } from '../../../src/commands/audit/scan.ts';
import { deadlineIn } from '../../../src/kit/deadline.ts';
import type { RemoteMachine } from '../../conformance/backend.ts';
import type { Scene } from './fault.ts';
import type { Complaints } from './verdict.ts';

/** The state of the instance in CloudStack at the end; `undefined` after the instance was expunged. */
export type Belief = 'Running' | 'Stopped' | 'Error' | undefined;

/** The findings of `outrigger audit` about this host. */
export async function findingsOf(scene: Scene, state: Belief): Promise<readonly Finding[]> {
  const { cloud, remote, place } = scene;
  const { extension = {}, host = {} } = cloud.details();
  const levels = [
    { name: 'extension', details: extension },
    { name: 'host', details: host },
  ] as const;
  const config = join(place.folder, 'config.json');
  const seen = await scanHosts([{ name: 'host-1', extension: 'here', levels }], {
    world: {
      out() {},
      err() {},
      terminal: false,
      registry: remote.backend.registry,
      self: '',
      env: { OUTRIGGER_CONFIG: config, HOME: join(place.folder, 'home') },
    },
    deadline: deadlineIn(20),
    changes: false,
    onStep() {},
  });
  const { uuid, name, details } = cloud.vm;
  const instance: Listed[] =
    state === undefined ? [] : [{ uuid, name, state, home: 'here', details }];
  return compare(instance, seen);
}

/** Audit sees the host, and finds fault with the instance exactly when something is wrong. */
export async function judgeAudit(
  scene: Scene,
  state: Belief,
  own: readonly RemoteMachine[],
): Promise<Complaints> {
  const findings = await findingsOf(scene, state);
  const unreachable = findings.filter(({ kind }) => kind === 'unreachable-host');
  if (unreachable.length > 0) return unreachable.map(({ found }) => `audit sees nothing: ${found}`);
  const about = ({ found, subject }: Finding, { remoteId }: RemoteMachine): boolean =>
    subject === remoteId || found.includes(remoteId);
  const loose = scene.remote.loose().filter((part) => !findings.some(names(part)));
  if (loose.length > 0) return loose.map((part) => `${part} is left, and audit does not name it`);
  if (state === 'Error' || state === undefined) {
    const parts = own.flatMap(({ loose = [] }) => loose);
    return [
      ...own
        .filter((machine) => !findings.some((finding) => about(finding, machine)))
        .map(({ remoteId, name }) => `${name} (${remoteId}) is left, and audit does not say so`),
      ...parts
        .filter((part) => !findings.some(names(part)))
        .map((part) => `${part} is left, and audit does not name it`),
    ];
  }
  return findings
    .filter((each) => each.subject === scene.cloud.vm.name || own.some((one) => about(each, one)))
    .map(({ kind, found }) => `audit: ${kind}: ${found}`);
}

const names =
  (part: string) =>
  ({ found, subject }: Finding): boolean =>
    `${found} ${subject}`.toLowerCase().includes(part.toLowerCase());
