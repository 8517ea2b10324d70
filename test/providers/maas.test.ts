import { fingerprintOf, readKey } from '../kit/fakes/keys.ts';
import { conformance } from './conformance.ts';
import { maasBackend } from './maas-backend.ts';

const host = { tls_fingerprint: fingerprintOf('trusted') };

conformance('MAAS', () => maasBackend({ tls: readKey('trusted'), host }));
