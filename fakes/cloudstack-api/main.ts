import { serve } from '../serve.ts';
import { startCloudStack } from './server.ts';

/*
 * The API of a management server that has a KVM cluster and an External one. The last line names a
 * file for --credentials.
 */

const ends: (() => void | Promise<void>)[] = [];
const cloud = await startCloudStack({ after: (close) => void ends.push(close) });
await serve({ url: cloud.url, credentials: cloud.credentials() }, async () => {
  for (const end of ends) await end();
});
