import { fingerprintOf, readKey } from '../http/keys.ts';
import { serve } from '../serve.ts';
import { startMaas } from './server.ts';

/* A MAAS over HTTPS with five machines that are ready. */

const maas = await startMaas({ tls: readKey('trusted') });
for (let count = 0; count < 5; count += 1) maas.add();
await serve(
  {
    provider: 'maas',
    endpoint: maas.url,
    tls_fingerprint: fingerprintOf('trusted'),
    apikey: maas.user.key,
    api_user: maas.user.name,
    match_offering: 'false',
    distro_series: 'ubuntu/jammy',
  },
  maas.close,
);
