import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import fc from 'fast-check';
import { startRawServer } from '../../../fakes/http/server.ts';
import { Failure } from '../../../src/failure.ts';
import { readDiagnostics } from '../../../src/providers/hyperv/api/clixml.ts';
import { readChallenge } from '../../../src/providers/hyperv/api/ntlm.ts';
import {
  readAnswer,
  readCommandId,
  readOutput,
  readShellId,
} from '../../../src/providers/hyperv/api/soap.ts';
import * as maasWire from '../../../src/providers/maas/api/wire.ts';
import * as maasCheckWire from '../../../src/providers/maas/doctor/wire.ts';
import { probe } from '../../built-file/probe/probe.ts';
import { type Json, recorded } from '../../cloudstack/recorded.ts';
import { makeBench } from './bench-place.ts';
import { apply, changes, onceIn } from './example.ts';
import { hostileJson, hostileText } from './hostile.ts';
import { secretWord } from './markers.ts';
import { tryMany } from './runs.ts';
import { checkForm, checkPrototypes, checkSecrets } from './verdict.ts';

/** The answer of a server to a request; `echo` repeats the request, credentials and all. */
interface Said {
  readonly status: string;
  readonly headers: readonly (readonly [string, string])[];
  readonly body: string;
  readonly echo: boolean;
  readonly cut: number | null;
  readonly action: string;
}

function answers(): fc.Arbitrary<Said> {
  const header = fc.tuple(
    fc.constantFrom('content-type', 'content-length', 'connection', 'location', 'x-odd', 'date'),
    fc.oneof(hostileText(), fc.constantFrom('0', '5', '99999999999', 'close', 'keep-alive')),
  );
  return fc.record({
    status: fc.oneof(
      fc.constant('200 OK'),
      fc.constantFrom('200 OK', '204 No', '301 Moved', '401 Who', '429 Slow', '500 No', '595 Gone'),
      hostileText(),
    ),
    headers: fc.array(header, { maxLength: 3 }),
    body: fc.oneof(hostileJson(), hostileText(), fc.constantFrom('{"running":true}', '{}')),
    echo: fc.boolean(),
    cut: onceIn(8, fc.nat({ max: 200 })),
    action: fc.constantFrom('status', 'status', 'PostObject', 'Broken'),
  });
}

describe('The http kit', () => {
  const bench = makeBench({ probe: async () => probe });
  after(() => bench.remove());
  let said: Said | undefined;
  let server: Awaited<ReturnType<typeof startRawServer>>;
  before(async () => {
    server = await startRawServer((socket) => {
      socket.once('data', (request) => {
        if (said === undefined) return void socket.destroy();
        const { status, headers, body, echo, cut } = said;
        const lines = headers.map(([name, value]) => `${name}: ${value}\r\n`).join('');
        const told = echo ? `${body} ${request}` : body;
        const reason = echo ? ` ${String(request).replace(/\s+/g, ' ')}` : '';
        const text = `HTTP/1.1 ${status}${reason}\r\n${lines}\r\n${told}`;
        socket.end(cut === null ? text : text.slice(0, cut));
      });
    });
  });
  after(() => server.close());

  it('the http kit turns every answer of a server into one without a secret, and never into "off"', async () => {
    await tryMany('remote-http', answers(), { few: 100, long: 5000 }, async (given) => {
      said = given;
      const { output, exitCode, log } = await bench.run({
        action: given.action,
        payload: JSON.stringify(payloadFor(given.action, server.url)),
        timeout: '10',
        behaviour: { kind: 'fine' },
      });
      const document = checkForm({ output, exitCode });
      // The probe itself takes null for an object.
      if (given.body.trim() !== 'null') {
        assert.doesNotMatch(String(document['error']), /should not happen/);
      }
      assert.notEqual(document['power_state'], 'PowerOff');
      checkSecrets(output, log);
      checkPrototypes();
    });
  });
});

function payloadFor(action: string, url: string): Json {
  const details = { url, secret: `${secretWord}-probe`, verify_tls_certificate: 'false' };
  if (action === 'status') return recorded('status', 'probe', details);
  return { ...recorded('custom', 'probe', details), action, parameters: {} };
}

/** Only a Failure may come out of what reads a remote system's words, and soon. */
function onlyFailures(read: () => unknown): void {
  const started = performance.now();
  try {
    read();
  } catch (error) {
    assert.ok(error instanceof Failure, String(error));
    assert.notEqual(error.kind, 'internal');
  }
  assert.ok(performance.now() - started < 2000);
  checkPrototypes();
}

const envelope =
  '<s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope" xmlns:rsp="http://schemas.microsoft.com/wbem/wsman/1/windows/shell"><s:Body><rsp:ReceiveResponse><rsp:Stream Name="stdout" CommandId="A">eyJhIjoxfQ==</rsp:Stream><rsp:CommandState CommandId="A" State="http://schemas.microsoft.com/wbem/wsman/1/windows/shell/CommandState/Done"><rsp:ExitCode>0</rsp:ExitCode></rsp:CommandState></rsp:ReceiveResponse></s:Body></s:Envelope>';

function documents(): fc.Arbitrary<string> {
  const edit = fc.record({ at: fc.nat({ max: 700 }), drop: fc.nat({ max: 20 }), put: snippets() });
  return fc.oneof(
    { weight: 4, arbitrary: fc.array(edit, { minLength: 1, maxLength: 4 }).map(edited) },
    { weight: 1, arbitrary: hostileText() },
    { weight: 1, arbitrary: fc.nat({ max: 500 }).map((deep) => '<a>'.repeat(deep)) },
    {
      weight: 1,
      arbitrary: fc.nat({ max: 500 }).map((deep) => `${'<a>'.repeat(deep)}${'</a>'.repeat(deep)}`),
    },
  );
}

function snippets(): fc.Arbitrary<string> {
  return fc.oneof(
    fc.constantFrom(
      '<',
      '>',
      '&',
      '&#0;',
      '&#x10ffff;',
      '<![CDATA[',
      ']]>',
      '<!--',
      '<?',
      '"',
      ' ',
    ),
    fc.constantFrom(
      ' xmlns:__proto__="x"',
      '<__proto__:a/>',
      '<!DOCTYPE x [<!ENTITY e "e">]>',
      '&e;',
    ),
    hostileText(),
  );
}

function edited(edits: readonly { at: number; drop: number; put: string }[]): string {
  return edits.reduce(
    (text, { at, drop, put }) => text.slice(0, at) + put + text.slice(at + drop),
    envelope,
  );
}

describe('The reader of WinRM', () => {
  it('the reader of WinRM fails as for any wrong answer when an answer is no SOAP', async () => {
    await tryMany('soap', documents(), { few: 150, long: 20_000 }, (text) => {
      onlyFailures(() => {
        const answer = readAnswer(text);
        if (answer.fault !== undefined) return;
        readOutput(answer.body);
        readShellId(answer.body);
        readCommandId(answer.body);
      });
    });
  });

  it('the reader of WinRM refuses elements that are nested without end as a wrong answer', () => {
    const nested = `${'<a>'.repeat(20_000)}${'</a>'.repeat(20_000)}`;
    assert.throws(() => readAnswer(nested), /nested too deeply/);
  });

  it('the reader of WinRM takes any CLIXML and any login answer', async () => {
    const texts = fc.oneof(documents(), hostileText());
    await tryMany('clixml', texts, { few: 100, long: 20_000 }, (text) => {
      onlyFailures(() => assert.ok(readDiagnostics(`#< CLIXML\r\n${text}`).length <= 800));
      onlyFailures(() => readChallenge(Buffer.from(text)));
      onlyFailures(() => readChallenge(Buffer.from(`NTLMSSP\0\u0002\0\0\0${text}`, 'latin1')));
    });
  });
});

const machine = {
  system_id: '4y3h7n',
  status: 6,
  hostname: 'node',
  power_state: 'on',
  owner: 'cloudstack',
  pool: { name: 'default' },
  tag_names: ['a'],
  ip_addresses: ['10.0.0.1'],
  interface_set: [
    { id: 1, name: 'eth0', links: [{ mode: 'auto', subnet: { cidr: '10.0.0.0/8' } }] },
  ],
  workload_annotations: { outrigger: '{}' },
};

describe('The reader of MAAS', () => {
  it('the reader of MAAS fails as for any wrong answer when an answer has none of its forms', async () => {
    const cases = fc.record({ edits: fc.array(changes(), { minLength: 1, maxLength: 4 }) });
    await tryMany('maas-json', cases, { few: 150, long: 20_000 }, ({ edits }) => {
      const given = JSON.parse(JSON.stringify({ machine, list: [machine], events: [{}] }));
      for (const edit of edits) apply(given, edit);
      for (const read of Object.values({ ...maasWire, ...maasCheckWire })) {
        if (typeof read !== 'function') continue;
        for (const part of [given, given.machine, given.list, given.events]) {
          onlyFailures(() => (read as (json: unknown) => unknown)(part));
        }
      }
    });
  });
});
