import { randomUUID } from 'node:crypto';
import { extensionBy } from './extensions.ts';
import { genuine } from './genuine/index.ts';
import { fits, withPrefix, zoneOf } from './infrastructure.ts';
import { kept } from './limits.ts';
import { detailsOf, type Values } from './parameters.ts';
import { broken, noSuch, wrong } from './refusal.ts';
import { type FakeState, type FakeTemplate, osType, zone } from './state.ts';

/** One template in a zone without an image store breaks every list that it would be part of. */
export function listTemplates(state: FakeState, form: Values): object {
  const wanted = state.templates.filter((template) =>
    fits(showTemplate(state, template), form, ['id', 'name', 'zoneid', 'extensionid']),
  );
  if (wanted.some(({ zoneId }) => !hasImageStore(state, zoneId))) throw withoutStore();
  return { template: wanted.map((each) => showTemplate(state, each)) };
}

/** Without an image store the template is made, and the answer is an error all the same. */
export function registerTemplate(state: FakeState, form: Values): object {
  const zoneId = form.get('zoneid') ?? '';
  if (!state.zones.some(({ id }) => id === zoneId)) {
    throw noSuch('registerTemplate', 'zoneid', zoneId);
  }
  if (form.get('ostypeid') !== osType.id) throw wrong('Please specify a valid OS type');
  const extensionId = form.get('extensionid');
  if (form.get('hypervisor') === 'External') {
    extensionBy(state, extensionId, ['registerTemplate', 'extensionid']);
    if (form.get('format') !== 'EXTERNAL') throw wrong('The format must be EXTERNAL');
    if (form.get('requireshvm') !== 'true') throw wrong('requireshvm must be true');
  }
  const template: FakeTemplate = {
    ...{ id: randomUUID(), name: form.get('name') ?? '', extensionId },
    ...(zoneId === zone.id ? {} : { zoneId }),
    displayText: form.get('displaytext') ?? form.get('name') ?? '',
    details: templateDetails(state, form, 'externaldetails'),
  };
  state.templates.push(template);
  if (!hasImageStore(state, zoneId)) throw withoutStore();
  return { count: 1, template: [showTemplate(state, template)] };
}

/** Takes the details with CloudStack's prefix, all at once. */
export function updateTemplate(state: FakeState, form: Values): object {
  const template = state.templates.find(({ id }) => id === form.get('id'));
  if (template === undefined) throw noSuch('updateTemplate', 'id', form.get('id'));
  const details = kept('template', state.release, detailsOf(form, 'details'));
  if (form.get('cleanupdetails') === 'true') template.details = {};
  else if (Object.keys(details).length > 0) template.details = details;
  template.name = form.get('name') ?? template.name;
  template.displayText = form.get('displaytext') ?? template.displayText;
  return { template: showTemplate(state, template) };
}

function templateDetails({ release }: FakeState, form: Values, map: string) {
  return withPrefix(kept('template', release, detailsOf(form, map)));
}

function showTemplate(state: FakeState, template: FakeTemplate) {
  const { id, name, displayText = name, extensionId, zoneId, details } = template;
  const owner = state.extensions.find((each) => each.id === extensionId);
  const { extensionid: _id, extensionname: _name, ...usual } = genuine.template;
  return {
    ...usual,
    ...{ id, name, displaytext: displayText, details },
    ...zoneOf(state, zoneId),
    ...(extensionId === undefined ? {} : { extensionid: extensionId }),
    ...(owner === undefined ? {} : { extensionname: owner.name }),
  };
}

function hasImageStore({ zones }: FakeState, zoneId: string = zone.id): boolean {
  const found = zones.find(({ id }) => id === zoneId);
  return found === undefined || found.imageStores > 0;
}

function withoutStore() {
  return broken('Cannot invoke "java.lang.Long.longValue()" because "this.dataStoreId" is null');
}

export function listImageStores({ zones }: FakeState, form: Values): object {
  const found = zones
    .filter(({ id }) => (form.get('zoneid') ?? id) === id)
    .flatMap(({ id, name, imageStores }) =>
      Array.from({ length: imageStores }, () => ({
        ...genuine.imagestore,
        zoneid: id,
        zonename: name,
      })),
    );
  return { imagestore: found };
}
