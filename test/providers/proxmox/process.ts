import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { installation } from '../../conformance/cloud.ts';
import { alice, type Details, payloadFor, type Vm } from '../../support/payloads.ts';

const script = join(process.cwd(), 'build/proxmox/outrigger');

/** Builds the file by the same function as the one that is shipped. */
export function buildFile(): void {
  const order = { entry: 'test/providers/proxmox/main.ts', outfile: script };
  const code = `import('./build.mjs').then((m) => m.bundle(${JSON.stringify(order)}))`;
  const { status, stderr } = spawnSync(process.execPath, ['-e', code], { encoding: 'utf8' });
  if (status !== 0) throw new Error(`the file could not be built: ${stderr}`);
}

export interface Ended {
  readonly code: number | null;
  readonly text: string;
  readonly document: Readonly<Record<string, unknown>>;
}

/** A management server: calls are processes of the built file, many at once if need be. */
export interface Server {
  begin(
    action: string,
    vm: Vm,
    host: Details,
    options?: { readonly deploying?: boolean },
  ): ChildProcess;
  end(child: ChildProcess): Promise<Ended>;
  remove(): void;
}

export function startServer(): Server {
  const folder = mkdtempSync(join(tmpdir(), 'outrigger-proxmox-'));
  mkdirSync(join(folder, 'log'));
  const config = { log: { file: join(folder, 'log/outrigger.log') } };
  writeFileSync(join(folder, 'config.json'), JSON.stringify(config));
  const running = new Set<ChildProcess>();
  let calls = 0;
  return {
    begin(action, vm, host, options = {}) {
      const payload = payloadFor(action, {
        vm,
        host: { extension: { provider: 'proxmox', installation }, host },
        caller: alice,
        ...options,
      });
      const file = join(folder, `${calls++}.json`);
      writeFileSync(file, JSON.stringify(payload));
      const env = { PATH: process.env['PATH'] ?? '', HOME: folder };
      const child = spawn(script, [action, file, '60'], {
        env: { ...env, OUTRIGGER_CONFIG: join(folder, 'config.json') },
        stdio: ['pipe', 'pipe', 'pipe'],
      });
      running.add(child);
      child.once('exit', () => running.delete(child));
      return child;
    },
    async end(child) {
      let text = '';
      for (const stream of [child.stdout, child.stderr]) {
        stream?.on('data', (part) => {
          text += part;
        });
      }
      const [code] = await once(child, 'close');
      return { code, text, document: text === '' ? {} : JSON.parse(text) };
    },
    remove() {
      for (const child of running) child.kill('SIGKILL');
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
