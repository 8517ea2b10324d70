import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { describe, test } from 'node:test';
import { escapeXml } from '../../../src/kit/xml/escape.ts';
import { readDiagnostics } from '../../../src/providers/hyperv/api/clixml.ts';
import {
  commandBody,
  readAnswer,
  readOutput,
  sendBody,
  writeMessage,
} from '../../../src/providers/hyperv/api/soap.ts';
import { find, findAll, readXml } from '../../../src/providers/hyperv/api/xml.ts';

const hostile = [
  `quotes ' " and \`backticks\``,
  '$(Remove-VM -Name *) ; | & > <',
  'line\nbreak\r\nand tab\t',
  ']]></rsp:Stream></s:Body><!-- ',
  '&amp; &#10; &lt;',
  'emoji 🦜 and Zürich',
  'x'.repeat(300),
];

describe('the XML reader', () => {
  test('the XML reader tells names by their namespace, not by their prefix', () => {
    const one = readXml('<s:a xmlns:s="urn:x"><s:b c="1"/></s:a>');
    const other = readXml(`<a xmlns='urn:x'><q:b xmlns:q='urn:x' c='1'></q:b></a>`);
    for (const root of [one, other]) {
      assert.equal(root.namespace, 'urn:x');
      assert.equal(find(root, 'urn:x', 'b')?.attributes['c'], '1');
      assert.equal(find(root, 'urn:y', 'b'), undefined);
    }
  });

  test('ends the reach of a prefix with its element', () => {
    assert.throws(() => readXml('<a><q:b xmlns:q="urn:x"/><q:c/></a>'), /stands for nothing/);
    const root = readXml('<a xmlns="urn:1"><b xmlns="urn:2"/><b/></a>');
    assert.equal(findAll(root, 'urn:2', 'b').length, 1);
    assert.equal(findAll(root, 'urn:1', 'b').length, 1);
  });

  test('reads entities, sections and comments, and a byte order mark', () => {
    const root = readXml(
      '\ufeff<?xml version="1.0"?>\r\n<!-- x > y --><a b="&quot;&#65;&#x1F99C;">1 &lt; 2<![CDATA[ <&> ]]><!-- no --></a>',
    );
    assert.equal(root.attributes['b'], '"A🦜');
    assert.equal(root.text, '1 < 2 <&> ');
  });

  test('takes what comes after line breaks and deep inside', () => {
    assert.equal(readXml('<a>\r\n <b>\n<c>1</c></b>\r\n</a>').children[0]?.children[0]?.text, '1');
  });

  for (const broken of [
    '',
    'no xml',
    '<a>',
    '<a></b>',
    '<a/><b/>',
    '<a b=1/>',
    '<a>&unknown;</a>',
    '<a>& </a>',
    '<!DOCTYPE a [<!ENTITY x "y">]><a>&x;</a>',
    '<p:a/>',
    '<a b="<"/>',
    'text<a/>',
    '<a>&#x110000;</a>',
    '<a>&amp</a>',
    '<p:a xmlns:p="urn:x"></a>',
  ]) {
    test(`refuses ${JSON.stringify(broken)}`, () => {
      assert.throws(() => readXml(broken), { kind: 'upstream' });
    });
  }

  test('the XML reader survives any text that is cut off or inserted', () => {
    const whole = '<a x="1"><b>&lt;text</b><!-- c --><d/></a>';
    for (let at = 0; at < whole.length; at += 1) {
      for (const text of [whole.slice(0, at), `${whole.slice(0, at)}<&"${whole.slice(at)}`]) {
        try {
          readXml(text);
        } catch (error) {
          assert.equal((error as { kind?: string }).kind, 'upstream', text);
        }
      }
    }
  });
});

describe('what is written', () => {
  test('comes back as it went in', () => {
    for (const text of hostile) {
      const root = readXml(`<a b="${escapeXml(text)}">${escapeXml(text)}</a>`);
      assert.equal(root.text, text);
      assert.equal(root.attributes['b'], text);
    }
  });

  test('is refused where XML has no such character', () => {
    for (const text of ['\0', '\x1b', '\ud800', 'a\udc00', '\uffff']) {
      assert.throws(() => escapeXml(text), { kind: 'usage' });
    }
  });

  test('is well-formed and the same for a reader that is not ours', (t) => {
    const program =
      'import sys, json, xml.etree.ElementTree as E\n' +
      'r = E.fromstring(sys.stdin.buffer.read())\n' +
      'print(json.dumps([e.text for e in r.iter() if e.tag.endswith("}Arguments")]))';
    const document = writeMessage({
      action: 'command',
      id: '00000000-0000-0000-0000-000000000000',
      to: 'https://[::1]:5986/wsman?a=1&b=2',
      seconds: 20,
      shellId: '<&">',
      options: { A: '<&">' },
      body: commandBody('powershell.exe', hostile),
    });
    const { status, stdout, error } = spawnSync('/usr/bin/python3', ['-c', program], {
      input: document,
      encoding: 'utf8',
    });
    if (error !== undefined) {
      assert.notEqual(process.env['CI'], 'true', 'CI has to have python3');
      return t.skip('needs /usr/bin/python3');
    }
    assert.equal(status, 0);
    assert.deepEqual(JSON.parse(stdout), hostile);
  });

  test('standard input travels as base64', () => {
    const body = sendBody('ID', Buffer.from('</rsp:Stream>'), true);
    assert.equal(body.includes('</rsp:Stream></rsp:Stream>'), false);
    assert.match(body, /End="true">PC9yc3A6U3RyZWFtPg==</);
  });
});

describe('what WinRM says', () => {
  const soap = 'http://www.w3.org/2003/05/soap-envelope';
  const shell = 'http://schemas.microsoft.com/wbem/wsman/1/windows/shell';

  test('streams of several pieces are put together as bytes', () => {
    const parrot = Buffer.from('🦜');
    const piece = (part: Buffer): string =>
      `<r:Stream Name="stdout" CommandId="C">${part.toString('base64')}</r:Stream>`;
    const body = readXml(
      `<r:ReceiveResponse xmlns:r="${shell}">${piece(parrot.subarray(0, 1))}<r:Stream Name="stderr" CommandId="C">eA==</r:Stream>${piece(parrot.subarray(1))}<r:Stream Name="stdout" CommandId="C" End="true"></r:Stream><r:CommandState CommandId="C" State="${shell}/CommandState/Done"><r:ExitCode>4294967295</r:ExitCode></r:CommandState></r:ReceiveResponse>`,
    );
    const output = readOutput(body);
    assert.equal(output.stdout.toString(), '🦜');
    assert.equal(output.stderr.toString(), 'x');
    assert.equal(output.exitCode, 4294967295);
  });

  test('a fault is told by its number, also without one of Microsoft’s', () => {
    const fault = (detail: string): string =>
      `<e:Envelope xmlns:e='${soap}' xmlns:wsman='urn:w'><e:Body><e:Fault><e:Code><e:Value>e:Receiver</e:Value><e:Subcode><e:Value>wsman:TimedOut</e:Value></e:Subcode></e:Code><e:Reason><e:Text>zu spät</e:Text></e:Reason>${detail}</e:Fault></e:Body></e:Envelope>`;
    const bare = readAnswer(fault('')).fault;
    assert.deepEqual(bare, { code: 0, subcode: 'TimedOut', text: 'zu spät' });
    const own = readAnswer(
      fault(
        `<e:Detail><f:WSManFault xmlns:f="http://schemas.microsoft.com/wbem/wsman/1/wsmanfault" Code="2150858793" Machine="x"><f:Message><f:ProviderFault>innen</f:ProviderFault></f:Message></f:WSManFault></e:Detail>`,
      ),
    ).fault;
    assert.deepEqual(own, { code: 2150858793, subcode: 'TimedOut', text: 'innen' });
  });
});

describe('diagnostics', () => {
  const ns = 'http://schemas.microsoft.com/powershell/2004/04';

  test('are the errors of CLIXML, without progress and with their line ends', () => {
    const one = `<Objs Version="1.1.0.1" xmlns="${ns}"><Obj S="progress" RefId="0"/><S S="Warning">w</S><S S="Error">first_x000D__x000A_</S></Objs>`;
    const two = `<Objs Version="1.1.0.1" xmlns="${ns}"><S S="Error">second _x005F_x0041_</S></Objs>`;
    assert.equal(readDiagnostics(`#< CLIXML\r\n${one}${two}`), 'first second _x0041_');
  });

  test('are the text itself when it is something else', () => {
    assert.equal(
      readDiagnostics('The command line\r\nis too long.'),
      'The command line is too long.',
    );
    assert.match(readDiagnostics('#< CLIXML\r\n<Objs broken'), /broken/);
    assert.equal(readDiagnostics(''), '');
  });
});
