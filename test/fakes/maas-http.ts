import { request } from 'node:http';
import { type FakeMaas, startMaas } from '../../fakes/maas/server.ts';
import { authorization, readApiKey } from '../../src/providers/maas/api/oauth.ts';

export interface Sent {
  readonly method?: string;
  readonly body?: string;
  readonly type?: string;
  readonly header?: string | readonly string[];
  readonly user?: number;
}

export interface Got {
  readonly status: number;
  readonly text: string;
}

/** One request to the fake as a user of it, with a header that is good once. */
export function send(fake: FakeMaas, path: string, sent: Sent = {}): Promise<Got> {
  const { method = sent.body === undefined ? 'GET' : 'POST', body, user = 0 } = sent;
  const key = readApiKey(fake.users[user]?.key ?? '');
  const given = [sent.header ?? authorization(key, Date.now())].flat();
  const headers = [
    ...['host', new URL(fake.url).host],
    ...given.flatMap((header) => ['authorization', header]),
    ...['content-type', sent.type ?? 'application/x-www-form-urlencoded'],
    ...['content-length', String(Buffer.byteLength(body ?? ''))],
  ];
  return new Promise((resolve, reject) => {
    const sending = request(`${fake.url}/MAAS/api/2.0${path}`, { method, headers }, (response) => {
      let text = '';
      response.on('data', (chunk) => {
        text += String(chunk);
      });
      response.on('end', () => resolve({ status: response.statusCode ?? 0, text }));
    });
    sending.on('error', reject);
    sending.end(body);
  });
}

/** A case with a fake of its own, in which everything takes milliseconds. */
export function withFake(play: (fake: FakeMaas) => Promise<void>) {
  return async () => {
    const fake = await startMaas({
      timings: { deployMs: 10, powerMs: 1, releaseMs: 5, busyMs: 30 },
    });
    try {
      await play(fake);
    } finally {
      await fake.close();
    }
  };
}
