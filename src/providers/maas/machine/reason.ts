import { expectFailure } from '../../../failure.ts';
import { type MaasEvent, type Machine, readEvents } from '../api/wire.ts';
import { type Rig, rigUntil } from './session.ts';

/** What MAAS itself says about a failure, as the end of a sentence; empty when it says nothing. */
export async function reasonOf(rig: Rig, machine: Machine): Promise<string> {
  const told = [machine.error_description, ...(await warnings(rig, machine))];
  const said = [...new Set(told)].filter((text) => text !== '').slice(0, 3);
  if (said.length > 0) return `: ${said.join('; ')}`;
  const last = machine.status_message;
  return last === '' ? '' : `: the last that was heard of it is "${last}"`;
}

async function warnings(rig: Rig, { system_id }: Machine): Promise<readonly string[]> {
  try {
    const query = { op: 'query', id: system_id, level: 'WARNING', limit: 5 };
    const what = `show the events of machine ${system_id}`;
    // It belongs to the failure that is being told, which may be that the time is up.
    const { client } = rigUntil(rig, rig.context.deadline.forUndo());
    const reply = await client.get('/events/', { what, query, limitMs: 10_000 });
    return readEvents(reply.json()).map(wordsOf);
  } catch (thrown) {
    rig.context.log('events.unread', { level: 'warn', error: expectFailure(thrown).message });
    return [];
  }
}

function wordsOf({ type, description }: MaasEvent): string {
  return [type, description].filter((part) => part !== '').join(': ');
}
