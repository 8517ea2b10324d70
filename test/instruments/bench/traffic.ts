import { subscribe } from 'node:diagnostics_channel';
import type { Socket } from 'node:net';

/** What has come in since the process began, whatever kind of server it came to. */
export interface Traffic {
  readonly requests: number;
  readonly connections: number;
  /** Bytes both ways on the wire, TLS included. */
  readonly bytes: number;
}

/** Counts what Node's own servers of this process are asked, without the servers' help. */
export function watchTraffic(): () => Traffic {
  const sockets: Socket[] = [];
  let requests = 0;
  subscribe('net.server.socket', (message) => {
    sockets.push((message as { readonly socket: Socket }).socket);
  });
  subscribe('http.server.request.start', () => {
    requests += 1;
  });
  return () => ({
    requests,
    connections: sockets.length,
    bytes: sockets.reduce((sum, { bytesRead, bytesWritten }) => sum + bytesRead + bytesWritten, 0),
  });
}
