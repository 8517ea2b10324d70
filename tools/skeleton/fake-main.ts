import { fingerprintOf } from '../../fakes/http/keys.ts';
import { serve } from '../../fakes/serve.ts';
import { startAcme } from './fake.ts';

/* Acme over HTTPS, without any machine. */

const fake = await startAcme();
await serve(
  {
    provider: 'acme',
    url: fake.url,
    tls_fingerprint: fingerprintOf('trusted'),
    token: fake.token,
    template_id: 'debian-12',
  },
  fake.close,
);
