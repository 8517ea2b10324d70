import type { Log } from '../contract/context.ts';
import { silent } from '../kit/log.ts';
import { createFileLog } from '../kit/log-file.ts';
import { createRedactor } from '../kit/redact.ts';
import type { CallFacts } from './call-facts.ts';
import type { Config } from './config.ts';

/** How many files the log is rotated into. */
export const rotatedFiles = 5;

/** The log as the configuration wants it; each line carries the facts known when it is written. */
export function openLog({ enabled, file, level }: Config['log'], current: () => CallFacts): Log {
  if (!enabled) return silent;
  const { world } = current();
  const place = {
    file,
    level,
    mayCreate: world.mayCreate,
    mostBytes: 10 * 1024 * 1024,
    keep: rotatedFiles,
  };
  const call = `${world.pid}-${Math.round(world.time().getTime()).toString(36)}`;
  const line = () => ({ ...lineFacts(current()), call });
  return createFileLog(place, line, world.time, () => createRedactor(current().secrets));
}

function lineFacts({ world, ref, args, instance, provider, caller, network }: CallFacts) {
  return {
    ref,
    pid: world.pid,
    host: world.hostname(),
    action: args?.action,
    vm: instance?.uuid,
    name: instance?.name,
    network: network?.id,
    nic: network?.nic,
    vpc: network?.vpc,
    provider: provider?.name,
    caller: caller?.account,
  };
}
