import { asText, type Json, type JsonObject } from './json.ts';

/*
 * The types of CloudStack's instance object, as far as an answer can break them: an answer that
 * does not fit ends the deployment with "Failed to parse VM".
 */

type Check = (json: Json) => boolean;

const whole: Check = (json) => {
  const text = json.kind === 'number' || json.kind === 'string' ? asText(json) : undefined;
  return text !== undefined && text.trim() !== '' && Number.isInteger(Number(text));
};
const truth: Check = (json) => json.kind === 'boolean' || json.kind === 'string';
const scalar: Check = (json) => ['string', 'number', 'boolean'].includes(json.kind);
const scalars: Check = (json) =>
  json.kind === 'object' && [...json.members.values()].every((each) => orNull(scalar)(each));
const objects: Check = (json) =>
  json.kind === 'array' && json.items.every(orNull((item) => item.kind === 'object'));
const list: Check = (json) => json.kind === 'array';

const nic: Readonly<Record<string, Check>> = {
  ...every(scalar, ['nicUuid', 'uuid', 'networkSegmentName', 'ip', 'netmask', 'gateway', 'mac']),
  ...every(scalar, ['dns1', 'dns2', 'ip6address', 'ip6gateway', 'ip6cidr', 'ip6Dns1', 'ip6Dns2']),
  ...every(scalar, ['broadcastType', 'type', 'broadcastUri', 'isolationUri', 'name']),
  ...every(whole, ['deviceId', 'networkId', 'networkRateMbps', 'mtu']),
  ...every(truth, ['defaultNic', 'securityGroupEnabled', 'pxeDisable', 'dpdkEnabled']),
  nicSecIps: list,
  details: scalars,
};

const instance: Readonly<Record<string, Check>> = {
  ...every(scalar, ['name', 'uuid', 'state', 'type', 'arch', 'bootArgs', 'bootType', 'bootMode']),
  ...every(scalar, ['vncPassword', 'hostName', 'metadataManufacturer', 'metadataProductName']),
  ...every(whole, ['id', 'cpus', 'minSpeed', 'maxSpeed', 'minRam', 'maxRam']),
  ...every(truth, ['enableHA', 'limitCpuUse', 'enableDynamicallyScaleVm', 'enterHardwareSetup']),
  ...every(scalars, ['details', 'guestOsDetails', 'extraConfig', 'networkIdToNetworkNameMap']),
  disks: objects,
  nics: (json) =>
    json.kind === 'array' && json.items.every(orNull((item) => unfit(item, nic) === undefined)),
};

/** The first member that CloudStack could not read into its instance object. */
export function unfitMember(merged: JsonObject): string | undefined {
  return unfit(merged, instance);
}

function unfit(json: Json, checks: Readonly<Record<string, Check>>): string | undefined {
  if (json.kind !== 'object') return 'the whole of it';
  return [...json.members].find(([key, value]) => !orNull(checks[key] ?? (() => true))(value))?.[0];
}

function orNull(check: Check): Check {
  return (json) => json.kind === 'null' || check(json);
}

function every(check: Check, keys: readonly string[]): Record<string, Check> {
  return Object.fromEntries(keys.map((key) => [key, check]));
}
