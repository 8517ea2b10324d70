import { randomBytes } from 'node:crypto';
import { createServer, type Server } from 'node:net';
import { isVncTicket, unauthorized, vncTicket } from './auth.ts';
import { type Call, flag, type Routes, vmidOf } from './call.ts';
import { die } from './errors.ts';
import { loadVm } from './machines.ts';
import type { Console } from './state.ts';

const base = '/nodes/{node}/qemu/{vmid}';

/** How long the port waits for a client, in the cluster's milliseconds. */
const patience = 10_000;

export const consoleRoutes: Routes = {
  [`POST ${base}/vncproxy`]: openConsole,
  [`GET ${base}/vncwebsocket`]: (call) => {
    const path = `/vms/${vmidOf(call)}`;
    if (!isVncTicket(call.params['vncticket'] ?? '', call.caller, path)) {
      throw unauthorized('permission denied - invalid PVEVNC ticket');
    }
    return { port: call.params['port'] };
  },
};

/**
 * Opens a port on the node that was called, in every state of the VM. The real one takes it from
 * 5900 to 5999; here it is one that is free.
 */
async function openConsole(call: Call): Promise<object> {
  const { state, caller, served } = call;
  const vmid = vmidOf(call);
  loadVm(state, vmid, call.node.name);
  const ticket = vncTicket(state, caller, `/vms/${vmid}`);
  const password = flag(call, 'generate-password') ? shortPassword() : ticket;
  const server = createServer();
  const port = await listening(server);
  const order = { node: served.name, type: 'vncproxy', id: vmid, owner: caller.id };
  const slot: { console?: Console } = {};
  const task = state.tasks.fork(order, async (worker) => {
    const left = visited(server, () => {
      if (slot.console !== undefined) slot.console.connected += 1;
      worker.finish();
    });
    try {
      await worker.work(patience);
    } finally {
      server.close();
    }
    if (slot.console?.connected === 0) die('connection timed out');
    await left;
  });
  slot.console = { ...{ vmid, node: served.name, port, password, upid: task.upid }, connected: 0 };
  state.consoles.push(slot.console);
  return {
    ...{ user: caller.id, ticket, port: String(port), upid: task.upid, cert: served.certificate },
    ...(flag(call, 'generate-password') ? { password } : {}),
  };
}

/** Greets every client, as a VNC server does; resolves when the first one has left. */
function visited(server: Server, welcome: () => void): Promise<void> {
  return new Promise((resolve) => {
    server.on('connection', (socket) => {
      socket.on('error', () => {}).on('close', () => resolve());
      socket.write('RFB 003.008\n');
      welcome();
    });
  });
}

function listening(server: Server): Promise<number> {
  return new Promise((resolve) => {
    server.unref();
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      resolve(typeof address === 'object' && address !== null ? address.port : 0);
    });
  });
}

/** Eight printable characters from `!` on, as the real one makes them. */
function shortPassword(): string {
  return [...randomBytes(8)].map((byte) => String.fromCharCode((byte & 0x3f) + 0x21)).join('');
}
