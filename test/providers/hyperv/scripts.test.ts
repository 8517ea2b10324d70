import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { before, describe, test } from 'node:test';
import { commands } from '../../../fakes/winrm/commands.ts';
import { question } from '../../../src/providers/hyperv/api/powershell-session.ts';
import { conversation, programArguments } from '../../../src/providers/hyperv/api/protocol.ts';

/*
 * The scripts are checked by the grammar that editors use for PowerShell, since nothing here can
 * run Windows PowerShell 5.1.
 */

interface Node {
  readonly type: string;
  readonly text: string;
  readonly hasError: boolean;
  readonly isError: boolean;
  readonly isMissing: boolean;
  readonly startPosition: { readonly row: number };
  readonly children: readonly (Node | null)[];
}

interface TreeSitter {
  readonly Parser: {
    new (): {
      setLanguage(language: unknown): void;
      parse(text: string): { rootNode: Node } | null;
    };
    init(options: object): Promise<void>;
  };
  readonly Language: { load(file: string): Promise<unknown> };
}

const bootstrap = programArguments[programArguments.length - 1]?.replace(/^"|"$/g, '') ?? '';

const texts: Readonly<Record<string, string>> = {
  'the command line': bootstrap,
  'the conversation': conversation,
  ...Object.fromEntries(
    Object.values(commands).map(({ name, script }) => [`the command "${name}"`, script] as const),
  ),
};

/**
 * The parameters that the cmdlets have, of those that the scripts use: Hyper-V 2.0.0.0 as of Windows
 * Server 2016, and the modules that every Windows has. A misspelt one would show only there.
 */
const parameters: Readonly<Record<string, string>> = {
  'CimCmdlets\\Get-CimInstance': 'Namespace ClassName Filter',
  'CimCmdlets\\Invoke-CimMethod': 'InputObject MethodName Arguments',
  'FailoverClusters\\Get-ClusterGroup': '',
  'Hyper-V\\Add-VMDvdDrive': 'VM Path Passthru',
  'Hyper-V\\Add-VMHardDiskDrive':
    'VM ControllerType ControllerNumber ControllerLocation Path Passthru',
  'Hyper-V\\Add-VMNetworkAdapter': 'VM Name SwitchName StaticMacAddress Passthru',
  'Hyper-V\\Checkpoint-VM': 'VM SnapshotName',
  'Hyper-V\\Connect-VMNetworkAdapter': 'VMNetworkAdapter SwitchName',
  'Hyper-V\\Get-VHD': 'Path ErrorAction',
  'Hyper-V\\Get-VM': 'Id',
  'Hyper-V\\Get-VMDvdDrive': 'VM',
  'Hyper-V\\Get-VMHardDiskDrive': 'VM VMSnapshot',
  'Hyper-V\\Get-VMHostNumaNode': '',
  'Hyper-V\\Get-VMMemory': 'VM',
  'Hyper-V\\Get-VMNetworkAdapter': 'VM',
  'Hyper-V\\Get-VMNetworkAdapterVlan': 'VMNetworkAdapter',
  'Hyper-V\\Get-VMProcessor': 'VM',
  'Hyper-V\\Get-VMSnapshot': 'VM',
  'Hyper-V\\Get-VMSwitch': '',
  'Hyper-V\\New-VHD': 'Path ParentPath Differencing SizeBytes Dynamic',
  'Hyper-V\\New-VM': 'Name Generation MemoryStartupBytes Path NoVHD',
  'Hyper-V\\Remove-VM': 'VM Force',
  'Hyper-V\\Remove-VMHardDiskDrive': 'VMHardDiskDrive',
  'Hyper-V\\Remove-VMNetworkAdapter': 'VMNetworkAdapter',
  'Hyper-V\\Remove-VMSavedState': 'VM',
  'Hyper-V\\Remove-VMSnapshot': 'VMSnapshot',
  'Hyper-V\\Resize-VHD': 'Path SizeBytes',
  'Hyper-V\\Restart-VM': 'VM Force',
  'Hyper-V\\Restore-VMSnapshot': 'VMSnapshot Confirm',
  'Hyper-V\\Resume-VM': 'VM',
  'Hyper-V\\Set-VM':
    'VM Notes AutomaticStartAction AutomaticStopAction CheckpointType AutomaticCheckpointsEnabled',
  'Hyper-V\\Set-VMBios': 'VM StartupOrder',
  'Hyper-V\\Set-VMDvdDrive': 'VMDvdDrive Path',
  'Hyper-V\\Set-VMFirmware': 'VM BootOrder EnableSecureBoot SecureBootTemplate',
  'Hyper-V\\Set-VMHardDiskDrive': 'VMHardDiskDrive Path',
  'Hyper-V\\Set-VMMemory': 'VM DynamicMemoryEnabled StartupBytes MinimumBytes MaximumBytes',
  'Hyper-V\\Set-VMNetworkAdapter': 'VMNetworkAdapter StaticMacAddress',
  'Hyper-V\\Set-VMNetworkAdapterVlan': 'VMNetworkAdapter Untagged Access VlanId',
  'Hyper-V\\Set-VMProcessor': 'VM Count',
  'Hyper-V\\Start-VM': 'VM',
  'Hyper-V\\Stop-VM': 'VM TurnOff Force AsJob',
  'Hyper-V\\Suspend-VM': 'VM',
  'Microsoft.PowerShell.Core\\Get-Command': 'Name',
  'Microsoft.PowerShell.Core\\Get-Module': 'ListAvailable Name',
  'Microsoft.PowerShell.Core\\Set-StrictMode': 'Version',
  'Microsoft.PowerShell.Core\\Wait-Job': 'Job Timeout',
  'Microsoft.PowerShell.Management\\Get-Item': 'LiteralPath',
  'Microsoft.PowerShell.Management\\Remove-Item': 'LiteralPath Force',
  'Microsoft.PowerShell.Management\\Test-Path': 'LiteralPath PathType',
  'Microsoft.PowerShell.Utility\\ConvertFrom-Json': 'InputObject',
  'Microsoft.PowerShell.Utility\\ConvertTo-Json': 'InputObject Compress Depth',
  'Storage\\Get-Volume': 'FilePath ErrorAction',
};

let parse: (text: string) => Node;

before(async () => {
  const load = createRequire(join(process.cwd(), 'package.json'));
  const folder = join(load.resolve('@vscode/tree-sitter-wasm/package.json'), '../wasm');
  const { Parser, Language } = load(join(folder, 'tree-sitter.js')) as TreeSitter;
  await Parser.init({ locateFile: (file: string) => join(folder, file) });
  const parser = new Parser();
  parser.setLanguage(await Language.load(join(folder, 'tree-sitter-powershell.wasm')));
  const known = new Map<string, Node>();
  parse = (text) => {
    const root = known.get(text) ?? parser.parse(text)?.rootNode;
    assert.ok(root);
    known.set(text, root);
    return root;
  };
});

const own = [
  ...['Get-AllDrives', 'Get-FreeBytes', 'Get-Own', 'Get-Trouble', 'Test-Gone', 'Write-Answer'],
];

/** The commands that a script calls by name, with the names of their parameters. */
function commandsIn(text: string): readonly { command: string; given: readonly string[] }[] {
  return all(parse(text))
    .filter(({ type }) => type === 'command')
    .map((node) => ({
      command: all(node).find(({ type }) => type === 'command_name')?.text ?? '',
      given: node.children
        .flatMap((child) => (child?.type === 'command_elements' ? child.children : [child]))
        .filter((child) => child?.type === 'command_parameter')
        .map((child) => (child?.text ?? '').replace(/^-|:.*$/g, '')),
    }))
    .filter(({ command }) => command.includes('-'));
}

function all(node: Node): readonly Node[] {
  return [node, ...node.children.flatMap((child) => (child === null ? [] : all(child)))];
}

describe('every script', () => {
  for (const [name, text] of Object.entries(texts)) {
    test(`${name} is PowerShell by its grammar`, () => {
      const wrong = all(parse(text)).filter(({ isError, isMissing }) => isError || isMissing);
      assert.deepEqual(
        wrong.map((node) => `line ${node.startPosition.row + 1}: ${node.text.slice(0, 60)}`),
        [],
      );
    });

    test(`${name} calls only cmdlets that are known, by module, with parameters that they have`, () => {
      for (const { command, given } of commandsIn(text)) {
        if (own.includes(command)) continue;
        const has = parameters[command];
        assert.ok(has !== undefined, `${command} is not known`);
        for (const parameter of given) {
          assert.ok(has.split(' ').includes(parameter), `${command} has no -${parameter}`);
        }
      }
    });

    test(`${name} has nothing that Windows PowerShell 5.1 lacks, and no code made of texts`, () => {
      assert.match(text, /^[\x20-\x7e\n]*$/, 'ASCII only');
      assert.doesNotMatch(text, /\?\?|\?\.|&&|\|\||ForEach-Object -Parallel|-AsHashtable|-AsArray/);
      assert.doesNotMatch(text, /\$\(.*\?.*:.*\)/, 'no ternary');
      assert.doesNotMatch(
        text,
        /Invoke-Expression|\biex\b|-EncodedCommand|GzipStream|DeflateStream/i,
      );
      // The only code made at run time is what came as a script.
      const made = text.match(/\[ScriptBlock\]::Create\([^)]*\)/g) ?? [];
      for (const one of made) {
        assert.match(one, /^\[ScriptBlock\]::Create\(\$(lines|script) -join \[char\]10\)$/);
      }
      // Double quotes would let a variable's text be read again.
      assert.doesNotMatch(text, /"/);
    });
  }

  test('a file is named by -LiteralPath wherever a cmdlet would take a pattern', () => {
    for (const [name, text] of Object.entries(texts)) {
      for (const command of text.match(/Microsoft\.PowerShell\.Management\\[\w-]+ *\S+/g) ?? []) {
        assert.match(command, / -LiteralPath$/, `${name}: ${command}`);
      }
    }
  });

  test('a machine is found by its id, never by its name', () => {
    for (const [name, text] of Object.entries(texts)) {
      for (const command of text.match(/Hyper-V\\[\w-]+[^\n|;)]*/g) ?? []) {
        const byName = /-VMName\b|Get-VM -Name|Get-VMSnapshot -Name/.test(command);
        assert.equal(byName, false, `${name}: ${command}`);
      }
    }
  });
});

/**
 * The outcome of each catch of a script, in their order. None of them may take a thing that cannot be
 * seen for one that is not there: a new one is to be looked at for that and entered here.
 */
const catches: Readonly<Record<string, readonly string[]>> = {
  'the conversation': [
    'free space: asked in another way',
    'free space: unknown',
    'all drives: asked again, then an error',
    'a file that its folder proves gone',
    'a folder that is not there: gone where the one above proves it',
    'everything else is not proved gone',
    'the error is the answer',
  ],
  'the command "users"': ['each disk is asked for by itself', 'a disk that cannot be read'],
  'the command "inventory"': ['the files are unknown'],
  'the command "lock"': ['the process that held the lock is gone'],
  'the command "power"': ['the guest is asked in another way'],
  'the command "inspect"': ['the trouble with a folder', 'the trouble with the switches'],
  'the command "resources"': ['the free memory is unknown'],
  'the command "make"': ['the machine is taken back, then an error'],
  'the command "copy"': ['an error', 'an error'],
  'the command "machines"': ['counts as a member of a cluster', 'the roles are unknown'],
  'the command "dataDisks"': ['the size is unknown'],
  'the command "state"': ['looked for among all'],
};

/** The nearest node around one, of one of these types. */
function around(root: Node, inner: Node, type: string): Node | undefined {
  return all(root).find((node) => node.type === type && all(node).includes(inner));
}

test('every catch of a script is known, with what it makes of something that cannot be seen', () => {
  for (const [name, text] of Object.entries(texts)) {
    const found = all(parse(text)).filter(({ type }) => type === 'catch_clause');
    assert.equal(found.length, catches[name]?.length ?? 0, name);
  }
  const silent = Object.entries(texts).filter(([, text]) =>
    /-ErrorAction (Silently|Ignore)/.test(text),
  );
  // It asks once more for each disk that it got no answer about.
  assert.deepEqual(
    silent.map(([name]) => name),
    ['the command "users"'],
  );
});

describe('work on the host', () => {
  const everything = /Get-VM\)|Get-AllDrives|\$all\b|\$vms\b|\$drives\b|\$nics\b/;

  test('no script asks each machine of the host by itself what one question about all of them tells', () => {
    for (const [name, text] of Object.entries(texts)) {
      const loops = all(parse(text)).filter(({ type }) => type === 'foreach_statement');
      for (const loop of loops) {
        const body = loop.children.find((child) => child?.type === 'statement_block')?.text ?? '';
        const head = loop.text.slice(0, loop.text.indexOf(body));
        assert.notEqual(body, '', name);
        if (everything.test(head)) assert.doesNotMatch(body, /Hyper-V\\Get-/, `${name}: ${head}`);
      }
    }
  });

  test('a script that asks WMI, which refuses a network logon, goes on without it', () => {
    let asked = 0;
    for (const [name, text] of Object.entries(texts)) {
      const root = parse(text);
      for (const node of all(root)) {
        if (node.type !== 'command' || !node.text.startsWith('CimCmdlets\\')) continue;
        asked += 1;
        const attempt = around(root, node, 'try_statement');
        assert.ok(attempt !== undefined, `${name}: ${node.text}`);
        assert.doesNotMatch(attempt.text, /\bthrow\b/, name);
      }
      assert.doesNotMatch(text, /Win32_|Get-WmiObject/, name);
    }
    assert.ok(asked > 0);
  });
});

test('the grammar finds what is broken', () => {
  for (const broken of [
    'if ($a { }',
    'foreach ($x in ) { }',
    "'open",
    '@{ a = }',
    'function { )',
  ]) {
    assert.equal(parse(broken).hasError, true, broken);
  }
});

test('the rules find what breaks them', () => {
  const [bare] = commandsIn('Get-VM -Id $x');
  assert.deepEqual(bare, { command: 'Get-VM', given: ['Id'] });
  assert.equal(parameters['Get-VM'], undefined);
  const [, second] = commandsIn(
    '$a = @(Hyper-V\\Get-VM)\nHyper-V\\Set-VM -VM $a -Note $b -Confirm:$false',
  );
  assert.deepEqual(second, { command: 'Hyper-V\\Set-VM', given: ['VM', 'Note', 'Confirm'] });
  const counted = Object.values(texts).flatMap(commandsIn);
  assert.ok(counted.length > 80, `${counted.length} commands were looked at`);
});

test('what is given is never part of a script, but one line of JSON before it', () => {
  const hostile = `x'; Remove-VM -Name *; "$(y)\`n\r\n#go\n🦜</s:Body>`;
  const script = 'param($Given)\n@{ a = 1 }';
  const [head = '', ...rest] = question(7, script, { name: hostile }).split('\n');
  assert.deepEqual(rest, ['param($Given)', '@{ a = 1 }', '']);
  assert.match(head, /^[\x20-\x7e]+$/);
  assert.deepEqual(JSON.parse(head), { number: 7, lines: 2, given: { name: hostile } });
});

test('the command line means nothing to cmd.exe and stays short', () => {
  const line = `powershell.exe ${programArguments.join(' ')}`;
  assert.ok(line.length < 2_000, `${line.length} characters`);
  assert.equal(bootstrap.includes('"'), false);
  assert.doesNotMatch(line, /[%^!\n]/);
});
