import type { Context } from '../../../contract/context.ts';
import type { Check } from '../../../contract/provider.ts';
import { expectFailure, Failure, fullText, hasReason, isKind } from '../../../failure.ts';
import { createHttp } from '../../../kit/http/client.ts';
import { tlsOf } from '../api/client.ts';
import * as allMachines from '../api/commands/all-machines.ts';
import * as inspecting from '../api/commands/inspecting.ts';
import * as reading from '../api/commands/reading.ts';
import { isFromPowerShell } from '../api/trouble.ts';
import type { Blueprint } from '../blueprint.ts';
import { checkParts, resourcesFor } from '../machine/capacity.ts';
import { ask, noId, openSession, type Session } from '../machine/session.ts';
import type { Settings } from '../settings.ts';
import { addressOf } from '../settings-address.ts';
import {
  clusterCheck,
  disksCheck,
  listingCheck,
  memoryCheck,
  ok,
  ownershipCheck,
  pathCheck,
  rightsCheck,
  shareCheck,
  switchCheck,
} from './host.ts';

/** The checks of `doctor`, from the connection to the folders; they change nothing. */
export async function checks(
  settings: Settings,
  context: Context,
  blueprint: Partial<Blueprint> = {},
): Promise<readonly Check[]> {
  const way = await wayChecks(settings, context);
  if (way.some(({ state }) => state === 'fail')) return [...way, ...skipped(afterWay)];
  try {
    const paths = [...new Set([settings.vhd_path, settings.vm_path])];
    const startedMs = performance.now();
    const found = await withSession(settings, context, async (session) => {
      const listing = await ask(session, reading.machines, {});
      return {
        listing,
        listedMs: performance.now() - startedMs,
        parts: await createChecks(session, blueprint),
        inspection: await ask(session, inspecting.inspect, { paths }),
        // Last, since it takes longest on a host with many machines.
        disks: await allDisksCheck(session),
      };
    });
    const { listing, listedMs, parts, disks, inspection } = found;
    return [
      ...way,
      ok('credentials', `logged in as ${listing.account}`),
      ok('PowerShell', `${inspection.version} in FullLanguage mode`),
      ok('module', `Hyper-V ${inspection.module || 'without a version'}`),
      rightsCheck(listing),
      clusterCheck(listing),
      ownershipCheck(listing, context),
      listingCheck(listing, listedMs),
      disks,
      switchCheck(settings, inspection),
      ...inspection.paths.map((path) => pathCheck(settings, path)),
      shareCheck(settings),
      ...parts,
    ];
  } catch (thrown) {
    return [...way, ...failedAt(Failure.from(thrown))];
  }
}

async function withSession<T>(
  settings: Settings,
  context: Context,
  work: (session: Session) => Promise<T>,
): Promise<T> {
  const { session, close } = openSession(settings, context);
  try {
    return await work(session);
  } finally {
    await close();
  }
}

/** Asks what a create asks first, and whether an instance could be made from what it wants. */
async function createChecks(
  session: Session,
  wanted: Partial<Blueprint>,
): Promise<readonly Check[]> {
  const { template_path, iso_path } = wanted;
  const path = wanted.template_type === 'iso' ? iso_path : template_path;
  const kind = wanted.template_type === 'iso' ? 'ISO image' : 'template';
  const name = path === undefined ? 'new instances' : kind;
  const blueprint = { template_type: 'template', is_full_clone: true, ...wanted } as Blueprint;
  try {
    const resources = await resourcesFor(session, blueprint);
    if (path !== undefined) checkParts(session, blueprint, resources);
    return [memoryCheck(resources), ...(path === undefined ? [] : [ok(name, path)])];
  } catch (thrown) {
    const failure = expectFailure(thrown);
    // A refusal by Hyper-V or by the rules concerns new instances; every other failure ends the checks.
    if (failure.outage) throw failure;
    return [{ name, state: 'fail', found: fullText(failure) }];
  }
}

async function allDisksCheck(session: Session): Promise<Check> {
  try {
    const every = { id: noId, paths: [], all: true };
    return disksCheck(await ask(session, allMachines.users, every, { last: true }));
  } catch (thrown) {
    const found = `whether all can be read is unknown: ${fullText(expectFailure(thrown))}`;
    return { name: 'disks', state: 'warn', found };
  }
}

const afterWay = [
  'credentials',
  'PowerShell',
  'module',
  'rights',
  'cluster',
  'switches',
  'folders',
];

function skipped(names: readonly string[]): readonly Check[] {
  return names.map((name) => ({ name, state: 'skipped', found: 'not reached' }));
}

/** The check that a failure belongs to fails, those behind it could not be made. */
function failedAt(failure: Failure): readonly Check[] {
  const atLogin = isKind(failure, 'denied') || hasReason(failure, 'login');
  const where = isFromPowerShell(failure) ? 'module' : atLogin ? 'credentials' : 'PowerShell';
  const at = afterWay.indexOf(where);
  return [
    ...afterWay.slice(0, at).map((name) => ok(name, 'fine so far')),
    { name: where, state: 'fail', found: fullText(failure) },
    ...skipped(afterWay.slice(at + 1)),
  ];
}

/** WinRM answers everybody who has not logged in with what it offers. */
async function wayChecks(
  settings: Settings,
  { deadline, log }: Context,
): Promise<readonly Check[]> {
  const { base, path } = addressOf(settings);
  const http = createHttp({
    ...{ title: 'Hyper-V', endpoints: [base], tls: tlsOf(settings), deadline, log },
    maxSockets: 1,
  });
  try {
    const reply = await http.request('POST', path);
    const offers = reply.headers('www-authenticate').join(', ');
    const certificate = reply.certificate();
    const names = offers.replace(/\s+realm="[^"]*"/gi, '');
    const winrm: Check =
      reply.status === 401 && offers !== ''
        ? ok('WinRM', `answers at ${base}, offers ${names}`)
        : {
            name: 'WinRM',
            state: 'fail',
            found: `${base} answers ${reply.status}, which WinRM does not do before a login`,
            advice: 'Is there a WinRM listener for HTTPS on this port?',
          };
    return certificate === undefined ? [winrm] : [winrm, await certificateCheck(certificate)];
  } catch (thrown) {
    return [{ name: 'WinRM', state: 'fail', found: fullText(Failure.from(thrown)) }];
  } finally {
    http.close();
  }
}

const day = 24 * 60 * 60 * 1000;

async function certificateCheck(der: Buffer): Promise<Check> {
  const { X509Certificate } = await import('node:crypto');
  const { validTo, fingerprint256, subject } = new X509Certificate(der);
  const left = Math.floor((Date.parse(validTo) - Date.now()) / day);
  const until = new Date(validTo).toISOString().slice(0, 10);
  const name = subject.split('\n').at(-1) ?? subject;
  const found = `${name}, valid until ${until}, SHA-256 ${fingerprint256}`;
  if (left > 30) return ok('certificate', found);
  return {
    name: 'certificate',
    state: 'warn',
    found: left < 0 ? `${found}: expired` : `${found}: ${left} days left`,
    advice:
      'Renew it, and set tls_fingerprint to the new one where it is pinned (old and new together while you change)',
  };
}
