import { Failure } from '../../../failure.ts';

/** The providers that CloudStack brings; it compares their names without their case. */
const builtIn = [
  ...['VirtualRouter', 'VpcVirtualRouter', 'ConfigDrive', 'InternalLbVm', 'SecurityGroupProvider'],
  ...['JuniperContrailRouter', 'JuniperContrailVpcRouter', 'JuniperSRX', 'PaloAlto', 'F5BigIp'],
  ...['Netscaler', 'ExternalDhcpServer', 'ExternalGateWay', 'ElasticLoadBalancerVm', 'None'],
  ...['BaremetalDhcpProvider', 'BaremetalPxeProvider', 'BaremetalUserdataProvider', 'NiciraNvp'],
  ...[
    'CiscoVnmc',
    'Ovs',
    'Opendaylight',
    'BrocadeVcs',
    'GloboDns',
    'BigSwitchBcf',
    'StratosphereSsp',
  ],
  ...['MidoNet', 'Tungsten', 'Nsx', 'Netris', 'NetworkExtension'],
];

/** CloudStack's own provider of that name. */
export function builtInProvider(name: string): string | undefined {
  return builtIn.find((each) => each.toLowerCase() === name.toLowerCase());
}

/** Throws `usage` for a name under which CloudStack would never call the extension. */
export function checkProviderName(name: string): void {
  const taken = builtInProvider(name);
  if (taken === undefined) return;
  throw new Failure('usage', `"${name}" is the name of CloudStack's own provider ${taken}`, {
    advice:
      'Choose another: no command would reach the extension, and unregistering it would remove that provider',
  });
}
