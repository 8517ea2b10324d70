import { asText } from '../api/client.ts';
import { type Actual, isCalled } from './actual.ts';
import { detailDifferences } from './details.ts';
import { externalDetailsOf } from './hosts.ts';
import { type Change, joined, type Plan } from './plan.ts';
import type { Wanted, WantedTemplate } from './wanted.ts';

/** The templates that instances are deployed from; one that is there is never changed. */
export function planTemplates(wanted: Wanted, actual: Actual): Plan {
  const plans = wanted.templates.map((template): Plan => {
    const there = actual.templates.find(
      (each) => isCalled(each, template.name) && each['hypervisor'] === 'External',
    );
    if (there === undefined) return { changes: [creation(wanted, template)], remarks: [] };
    const before = externalDetailsOf(there);
    const drift =
      before === undefined ? [] : detailDifferences(before, template.details, new Set());
    const words = drift.map(({ what }) => what).join(', ');
    const remark = `Template ${asText(there['name'])} differs (${words}): CloudStack has no call to change that`;
    return { changes: [], remarks: drift.length === 0 ? [] : [remark] };
  });
  return joined(plans);
}

function creation({ zone = '' }: Wanted, template: WantedTemplate): Change {
  const { name, ostype, description, arch, details } = template;
  return {
    verb: 'create',
    subject: `template ${name}`,
    differences: [{ what: 'OS type', to: ostype }, ...detailDifferences({}, details, new Set())],
    command: 'registerTemplate',
    parameters: (idOf) => ({
      ...{ name, displaytext: description ?? name, format: 'EXTERNAL', hypervisor: 'External' },
      // CloudStack wants an address and never looks at it.
      url: `https://external.invalid/${encodeURIComponent(name)}`,
      ...{ extensionid: idOf('extension'), requireshvm: true },
      ...{ ostypeid: idOf(`ostype:${ostype}`), zoneid: idOf(`zone:${zone}`) },
      ...{ ispublic: template.public, isfeatured: template.featured },
      ...(arch === undefined ? {} : { arch }),
      externaldetails: details,
    }),
  };
}
