import type { NetworkDriver } from '../../contract/network.ts';
import { Failure, isOutage } from '../../failure.ts';
import { contextFor, memoFor } from '../call-context.ts';
import type { FactsHolder, Known } from '../call-facts.ts';
import type { Body, CallResult } from '../call-result.ts';
import { checkedUri, finishNetwork } from './answer.ts';
import { broadcastBody, type CommandRow, commands } from './commands.ts';
import { type NetworkPayload, readEnvelope } from './payload.ts';
import { refuseForeign, refuseGuests, unknownCommand } from './refusals.ts';
import { repeated } from './repeats.ts';
import { withNetworkProvider } from './settings.ts';

type Raw = Readonly<Record<string, unknown>>;
type NetworkCall = Known<'args' | 'config' | 'deadline' | 'network'>;

/** Serves one command of CloudStack's network half, from its payload to the result. */
export async function serveNetwork(
  called: NetworkCall,
  raw: Raw,
  holder: FactsHolder,
): Promise<() => CallResult> {
  try {
    return await serveOnce(called, raw, holder);
  } catch (thrown) {
    // A command that fails comes eleven times within seconds: the log gets its reason once.
    throw await repeated(Failure.from(thrown), { ...called, ...holder.current() });
  }
}

async function serveOnce(
  called: NetworkCall,
  raw: Raw,
  holder: FactsHolder,
): Promise<() => CallResult> {
  const payload = readEnvelope(raw);
  const facts = holder.keep({ ...called, secrets: [...called.secrets, ...secretsIn(payload)] });
  const { action } = facts.args;
  const row = Object.hasOwn(commands, action) ? commands[action] : undefined;
  if (row === undefined) throw unknownCommand(action, Object.keys(commands));
  if (row.kind === 'foreign' && asksForSomething(row, payload)) throw refuseForeign(action, row);
  if (row.kind === 'quiet' || row.kind === 'foreign') {
    const body = row.kind === 'quiet' && row.silent === true ? 'nothing' : {};
    return () => finishNetwork(holder.current(), body, true);
  }
  const provided = holder.keep(await withNetworkProvider(facts, payload));
  const unread = provided.unread();
  if (unread.length > 0) facts.log('unread', { level: 'debug', details: unread });
  const body = await ask(provided, row, payload);
  return () => finishNetwork(holder.current(), body, false);
}

function asksForSomething(
  { rules }: Extract<CommandRow, { kind: 'foreign' }>,
  { fields }: NetworkPayload,
): boolean {
  return rules === undefined || rules(fields).length > 0;
}

type Provided = NetworkCall & Awaited<ReturnType<typeof withNetworkProvider<NetworkCall>>>;
type AskedRow = Exclude<CommandRow, { kind: 'quiet' | 'foreign' }>;

async function ask(facts: Provided, row: AskedRow, payload: NetworkPayload): Promise<Body> {
  facts.log('begin');
  const memo = memoFor(facts);
  try {
    const suspect = isOutage(await memo.recall());
    const context = { ...contextFor(facts, suspect), action: facts.args.action };
    const driver = await facts.half.connect(facts.settings, context);
    try {
      const body = await run({ facts, driver, context }, row, payload);
      await memo.forget();
      return body;
    } finally {
      await closed(driver, facts);
    }
  } catch (thrown) {
    const failure = Failure.from(thrown);
    if (failure.outage) await memo.remember(failure);
    if (row.kind !== 'guest' || row.neverFails !== true) throw failure;
    facts.log('not restored', { level: 'warn', error: failure.message });
    return {};
  }
}

interface Running {
  readonly facts: Provided;
  readonly driver: NetworkDriver;
  readonly context: ReturnType<typeof contextFor>;
}

async function run(running: Running, row: AskedRow, { fields }: NetworkPayload): Promise<Body> {
  const { facts, driver, context } = running;
  const now = facts.world.time();
  const { networks, guests } = driver;
  if (row.kind === 'guest') {
    if (guests === undefined) throw refuseGuests(facts.provider.name);
    await row.call({ guests, context, now }, fields);
    return {};
  }
  if (row.kind === 'custom') {
    return (await import('./custom.ts')).runCustom(fields, { driver, context, now });
  }
  const network = (await import('./read.ts')).readNetwork(fields);
  const broadcast =
    networks === undefined ? undefined : await row.call({ networks, context }, network);
  if (guests !== undefined) await row.guests?.({ guests, context, now }, network);
  if (broadcast === undefined) return {};
  return broadcastBody({ ...broadcast, uri: checkedUri(broadcast.uri) });
}

async function closed(driver: NetworkDriver, { log }: Provided): Promise<void> {
  try {
    await driver.close?.();
  } catch (thrown) {
    log('driver.close-failed', { error: Failure.from(thrown).message });
  }
}

/** CloudStack hides `password` and `sshkey` itself; any other name may hold a secret as well. */
function secretsIn({ registration, fields }: NetworkPayload): readonly string[] {
  const telling = /password|secret|token|sshkey|private|api_?key/i;
  const details = Object.entries(registration).filter(([key]) => telling.test(key));
  return [...details.map(([, value]) => value), ...passwordsIn(fields)];
}

function passwordsIn({ password, vm_data }: NetworkPayload['fields']): readonly string[] {
  const entries = (Array.isArray(vm_data) ? vm_data : []) as readonly (Raw | null)[];
  const inside = entries.filter((entry) => entry?.['dir'] === 'password');
  return [password, ...inside.map((entry) => entry?.['content'])].filter(
    (text): text is string => typeof text === 'string',
  );
}
