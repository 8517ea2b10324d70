import { fingerprintOf } from '../http/keys.ts';
import { serve } from '../serve.ts';
import { account } from './acceptor.ts';
import { startHyperV } from './wsman.ts';

/* A Hyper-V host behind WinRM over HTTPS, with a template. */

const host = await startHyperV();
await serve(
  {
    provider: 'hyperv',
    url: host.url,
    tls_fingerprint: fingerprintOf('trusted'),
    username: `${account.domain}\\${account.user}`,
    password: account.password,
    network_switch: 'External',
    vhd_path: 'D:\\Disks',
    vm_path: 'D:\\Machines',
    template_path: 'D:\\Templates\\debian-12.vhdx',
    generation: '2',
  },
  host.close,
);
