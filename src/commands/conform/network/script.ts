import type { Members } from '../../json.ts';
import { vmData } from '../network-payloads.ts';
import { payloadFor } from '../payloads.ts';
import type { CallOptions, Runner } from '../runner.ts';
import { sampleInstance } from '../sample-instance.ts';
import { guestOf, type NetworkCast, nicOf, on, removedNic } from './cast.ts';

type Play = (
  step: string,
  command: string,
  payload: Members,
  callOptions?: CallOptions,
) => ReturnType<Runner['call']>;

/** Makes all calls in the order of two networks' lives; ends early where going on is vain. */
export async function playNetworks(runner: Runner, cast: NetworkCast): Promise<string | undefined> {
  const play: Play = (step, command, payload, callOptions = {}) =>
    runner.call(step, command, payload, callOptions);
  const first = await play('unknown command', noSuchCommand, on(cast, cast.l2));
  if (first.raw.ended === 'not-started') return 'the executable could not be started';
  if (first.raw.ended === 'time-out') return 'the first call hung until it was killed';
  await refusals(play, cast);
  await ensured(play, cast);
  await guests(play, cast);
  await made(play, cast);
  await rules(play, cast);
  await gone(play, cast);
  return undefined;
}

export const noSuchCommand = 'outrigger-no-such-command';

async function refusals(play: Play, cast: NetworkCast): Promise<void> {
  for (const action of ['create', 'stop', 'delete']) {
    await play(`Orchestrator's ${action}`, action, on(cast, cast.l2));
  }
  const details = { extension: {}, resourcemap: {}, host: {}, virtualmachine: {} };
  const orchestrator = payloadFor('stop', sampleInstance(9), details);
  await play('payload of an instance', 'save-vm-data', orchestrator);
  const broken: Readonly<Record<string, string | undefined>> = {
    'payload missing': undefined,
    'payload empty': '',
    'payload not JSON': '{"payload": ',
  };
  for (const [step, text] of Object.entries(broken)) await play(step, 'save-vm-data', {}, { text });
  const custom = { ...on(cast, cast.isolated), action: 'Outrigger No Such Action' };
  const { payload = {}, ...envelope } = custom as Members & { payload?: Members };
  await play('unknown custom action', 'custom-action', {
    ...{ ...envelope, ...payload },
    'action-params': { depth: '3', all: 'true', at: 'Thu Dec 24 09:30:00 UTC 2026' },
  });
}

/** The command before every other one, with everything that may be stored. */
async function ensured(play: Play, cast: NetworkCast): Promise<void> {
  const command = 'ensure-network-device';
  const ensure = (step: string, current: string, callOptions: CallOptions = {}) =>
    play(`ensure, ${step}`, command, on(cast, cast.l2, { current_details: current }), callOptions);
  const first = await ensure('first', '{}');
  await ensure('again', first.raw.succeeded ? first.raw.text : '{}');
  await ensure('errors apart', '{}', { errorsApart: true });
  await ensure('nothing stored', '');
  await ensure('foreign object', '{"host":"elsewhere","n":[1]}');
  await ensure('no object', '[1,2]');
  const vpc = { vpc_id: '7', zone_id: '1', vpc_state: 'Enabled', current_details: '{}' };
  await play('ensure, VPC', command, { ...on(cast, cast.l2), payload: vpc });
}

async function guests(play: Play, cast: NetworkCast): Promise<void> {
  const { l2, password } = cast;
  const save = (step: string, payload: Members) => play(step, 'save-vm-data', payload);
  await play('prepare', 'prepare-nic', nicOf(cast, l2, { hostname: 'web0' }));
  await save('save, first', guestOf(cast, l2, {}, password));
  await save('save, again', guestOf(cast, l2, {}, password));
  await save('save, without password', guestOf(cast, l2));
  await save('save, changed', guestOf(cast, l2, { userData: '#!/bin/sh\necho two\n' }));
  await save('save, second NIC', guestOf(cast, l2, { nic: 0 }));
  const [instance = sampleInstance(0)] = cast.instances;
  const bare = vmData(instance, { hostname: 'web0' });
  await save('save, no user data', nicOf(cast, l2, { vm_data: bare }));
  const odd = { device_id: 0, default_nic: true, network_id: l2.id, from_the_future: { a: [1] } };
  const { payload, ...envelope } = guestOf(cast, l2) as { payload: Members };
  await save('save, other types', { ...envelope, payload: { ...payload, ...odd } });
  await play('save password', 'save-password', nicOf(cast, l2, { password }));
  await play('save user data', 'save-userdata', nicOf(cast, l2, { userdata: 'old text' }));
  await play('release', 'release-nic', nicOf(cast, l2));
  await save('save, after release', guestOf(cast, l2));
  await together(play, cast);
}

/** Several instances start at once, from two management servers, and one of them twice. */
async function together(play: Play, cast: NetworkCast): Promise<void> {
  const calls = [...cast.instances.keys(), 0].map((instance, at) => {
    const env = at % 2 === 0 ? {} : { HOME: '/nonexistent/home' };
    const given = guestOf(cast, cast.l2, { instance });
    return play(`save at once ${at + 1}`, 'save-vm-data', given, { env, amongOthers: true });
  });
  await Promise.all(calls);
}

async function made(play: Play, cast: NetworkCast): Promise<void> {
  for (const network of [cast.l2, cast.isolated]) {
    const { kind } = network;
    const implement = (step: string, more: Partial<typeof network> = {}) =>
      play(`implement ${kind}${step}`, 'implement-network', on(cast, { ...network, ...more }));
    await implement('');
    await implement(', again', { state: 'implemented' });
    await play(`restore ${kind}, empty`, 'restore-network', restored(cast, network, 0));
  }
  await play('restore many', 'restore-network', restored(cast, cast.isolated, 200));
  await play('save, implemented', 'save-vm-data', guestOf(cast, cast.isolated));
}

function restored(cast: NetworkCast, network: NetworkCast['l2'], count: number): Members {
  const vms = Array.from({ length: count }, (_, n) => {
    const instance = sampleInstance(n);
    const [nic] = instance.nics;
    return {
      ...{ dns: '198.51.100.2', domain: '', ip: `198.51.100.${n + 20}`, ip6_address: '' },
      ...{ mac: String(nic?.['mac']), nic_uuid: String(nic?.['nicUuid']), hostname: `r${n}` },
      ...{ device_id: '0', default_nic: true, vm_data: vmData(instance, { hostname: `r${n}` }) },
    };
  });
  const flags = { dhcp_enabled: false, dns_enabled: false, userdata_enabled: true };
  return on(cast, network, { restore_data: { ...flags, vms } });
}

/** Commands of services that an extension may not serve: only how they are answered counts. */
async function rules(play: Play, cast: NetworkCast): Promise<void> {
  const { isolated } = cast;
  const network = { ...isolated, state: 'implemented' } as const;
  const rule = { id: 1, type: 'ingress', protocol: 'tcp', portStart: 80, portEnd: 90 };
  const given = { ...rule, publicIp: '203.0.113.7', sourceCidrs: ['0.0.0.0/0'], destCidrs: [] };
  const fw_rules = { default_egress_allow: true, cidr: '198.51.100.0/24', rules: [given] };
  const address = {
    ...{ public_ip: '203.0.113.7', public_vlan: 'vlan://100', public_gateway: '203.0.113.1' },
    ...{ public_cidr: '203.0.113.0/24', source_nat: 'true' },
  };
  const dns = { dns: '198.51.100.2', domain: 'example.org', hostname: 'web0' };
  const ports = { private_ip: '198.51.100.11', public_port: '80-90', private_port: '80-90' };
  const nic = nicOf(cast, network, dns);
  const commands: Readonly<Record<string, Members>> = {
    'assign-ip': on(cast, network, address),
    'add-static-nat': on(cast, network, { ...address, private_ip: '198.51.100.11' }),
    'add-port-forward': on(cast, network, { ...address, ...ports, protocol: 'tcp' }),
    'apply-fw-rules': on(cast, network, { fw_rules }),
    'apply-lb-rules': on(cast, network, { lb_rules: [{ id: 1, revoke: true, backends: [] }] }),
    'apply-network-acl': on(cast, network, { acl_rules: [] }),
    'config-dhcp-subnet': nic,
    'add-dhcp-entry': nic,
    'config-dns-subnet': nic,
    'add-dns-entry': nic,
    'save-sshkey': nicOf(cast, network, { sshkey: 'ssh-ed25519 AAAA one' }),
    'save-hypervisor-hostname': nicOf(cast, network, { hypervisor_hostname: 'h1' }),
    'implement-vpc': { ...on(cast, network), payload: { vpc_id: '7', zone_id: '1' } },
    'shutdown-vpc': { ...on(cast, network), payload: { vpc_id: '7', zone_id: '1' } },
    'delete-port-forward': on(cast, network, { ...address, ...ports, protocol: 'tcp' }),
    'delete-static-nat': on(cast, network, { ...address, private_ip: '198.51.100.11' }),
    'release-ip': on(cast, network, address),
    'remove-dns-subnet': on(cast, network, dns),
    'remove-dhcp-subnet': on(cast, network),
  };
  for (const [command, payload] of Object.entries(commands)) await play(command, command, payload);
  for (const command of ['remove-dhcp-entry', 'remove-dns-entry']) {
    await play(command, command, removedNic(cast, network));
  }
}

/** The end of both networks, twice each, and of one that never was. */
async function gone(play: Play, cast: NetworkCast): Promise<void> {
  const cleansUp = { cleansUp: true };
  await play('release unknown', 'release-nic', removedNic(cast, cast.missing));
  for (const [word, network] of Object.entries({ missing: cast.missing, ...ends(cast) })) {
    for (const again of ['', ', again']) {
      for (const command of ['shutdown-network', 'destroy-network']) {
        await play(`${command} ${word}${again}`, command, on(cast, network), cleansUp);
      }
    }
  }
}

function ends({ l2, isolated }: NetworkCast) {
  return {
    l2: { ...l2, state: 'shutdown' },
    isolated: { ...isolated, state: 'shutdown' },
  } as const;
}
