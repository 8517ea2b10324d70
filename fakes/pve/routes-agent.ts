import { type Call, type Routes, vmidOf } from './call.ts';
import { die } from './errors.ts';
import { agentAnswers, agentEnabled, loadVm } from './machines.ts';
import { parseNet } from './property-string.ts';
import type { Vm } from './state.ts';

const base = '/nodes/{node}/qemu/{vmid}/agent';

type Answer = (vm: Vm, call: Call) => unknown;

const answers: Readonly<Record<string, Answer>> = {
  'POST ping': () => ({ result: {} }),
  'GET info': () => ({ result: { version: '7.2.0', supported_commands: [] } }),
  'GET network-get-interfaces': (vm) => ({ result: interfaces(vm) }),
  'GET get-host-name': (vm) => ({ result: { 'host-name': vm.guest.hostName } }),
  'GET get-osinfo': () => ({
    result: { id: 'bench', name: 'BenchLinux', 'pretty-name': 'Bench Linux 1', machine: 'x86_64' },
  }),
  'GET get-fsinfo': () => ({ result: [] }),
  'GET get-time': () => ({ result: Date.now() * 1e6 }),
  'POST fsfreeze-freeze': () => ({ result: 1 }),
  'POST fsfreeze-thaw': () => ({ result: 1 }),
  'POST fsfreeze-status': () => ({ result: 'thawed' }),
  'POST fstrim': () => ({ result: { paths: [] } }),
  'POST set-user-password': () => ({ result: {} }),
  'POST exec': () => ({ pid: 140 }),
  'GET exec-status': (_vm, { params }) =>
    params['pid'] === '1'
      ? die("Agent error: Invalid parameter 'pid'")
      : { exited: 1, exitcode: 3, 'out-data': 'hi\n', 'out-truncated': 0 },
  'POST file-write': (vm, { params }) => {
    vm.guest.files.set(params['file'] ?? '', params['content'] ?? '');
  },
  'GET file-read': (vm, { params }) => {
    const content = vm.guest.files.get(params['file'] ?? '');
    if (content !== undefined) return { content, 'bytes-read': content.length };
    return die(
      `Agent error: failed to open file '${params['file']}' (mode: 'r'): No such file or directory`,
    );
  },
};

/** The agent's methods, and the one that takes the command as a parameter. */
export const agentRoutes: Routes = {
  ...Object.fromEntries(
    Object.entries(answers).map(([name, answer]) => {
      const [method, command] = name.split(' ');
      return [`${method} ${base}/${command}`, (call: Call) => answer(reach(call), call)];
    }),
  ),
  [`POST ${base}`]: (call) => {
    const command = call.params['command'] ?? '';
    const answer = answers[`POST ${command}`] ?? answers[`GET ${command}`];
    return answer?.(reach(call), call);
  },
};

/** The VM whose agent answers; else what stands in its way, in the real one's order. */
function reach(call: Call): Vm {
  const vm = loadVm(call.state, vmidOf(call), call.node.name);
  if (!agentEnabled(vm.config)) die('No QEMU guest agent configured');
  if (vm.power === 'stopped') die(`VM ${vm.vmid} is not running`);
  if (!agentAnswers(call.state, vm)) die('QEMU guest agent is not running', { delayMs: 3000 });
  return vm;
}

function interfaces(vm: Vm): object[] {
  const statistics = Object.fromEntries(
    ['rx-bytes', 'rx-packets', 'tx-bytes', 'tx-packets'].map((name) => [name, 0]),
  );
  const loopback = { name: 'lo', 'hardware-address': '00:00:00:00:00:00', statistics };
  const local = [{ 'ip-address': '127.0.0.1', 'ip-address-type': 'ipv4', prefix: 8 }];
  const nics = [...vm.config].flatMap(([option, value]) =>
    /^net\d+$/.test(option) ? [[option, parseNet(value)['macaddr'] ?? ''] as const] : [],
  );
  return [
    { ...loopback, 'ip-addresses': local },
    ...nics.map(([option, mac], index) => ({
      ...{ name: `eth${index}`, 'hardware-address': mac.toLowerCase(), statistics },
      'ip-addresses': vm.guest.addresses
        .filter(({ nic }) => nic === option)
        .map(({ ip, prefix }) => ({
          ...{ 'ip-address': ip, prefix, 'ip-address-type': ip.includes(':') ? 'ipv6' : 'ipv4' },
        })),
    })),
  ];
}
