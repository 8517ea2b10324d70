import { serve } from '../serve.ts';
import { startProxmox } from './index.ts';

/*
 * Two nodes of Proxmox VE with a template on shared storage; a task takes a hundredth of its real
 * time. OUTRIGGER_PVE=8.4 starts the older release.
 */

const version = process.env['OUTRIGGER_PVE'] === '8.4' ? '8.4' : '9.1';
const cluster = await startProxmox({ version });
cluster.plantVm({ vmid: 9000, name: 'debian-12', template: true, storage: 'shared', disk: '4G' });
const [[id, token] = ['', '']] = cluster.tokens;
const [user = '', name = ''] = id.split('!');
await serve(
  {
    provider: 'proxmox',
    url: cluster.endpoints[0] ?? '',
    tls_fingerprint: cluster.fingerprints.join(','),
    ...{ user, token: name, secret: token.slice(id.length + 1) },
    ...{ node: 'pve1', template_id: '9000', disk_size_gb: '8' },
  },
  cluster.close,
);
