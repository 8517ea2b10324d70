import { fingerprintOf, readKey } from '../../../fakes/http/keys.ts';
import { conformance } from '../../conformance/index.ts';
import { maasBackend } from './backend.ts';

const host = { tls_fingerprint: fingerprintOf('trusted') };

conformance('MAAS', () => maasBackend({ tls: readKey('trusted'), host }));
