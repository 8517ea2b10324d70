import { asText, asTexts, type Entry } from '../api/client.ts';
import type { Texts } from '../api/form.ts';
import { type Actual, isCalled } from './actual.ts';
import { detailDifferences, mergeDetails } from './details.ts';
import { externalDetailsOf, prefix } from './hosts.ts';
import { type Change, joined, type Plan } from './plan.ts';
import type { Wanted, WantedTemplate } from './wanted.ts';

/** The templates that instances are deployed from, with their details. */
export function planTemplates(wanted: Wanted, actual: Actual): Plan {
  const plans = wanted.templates.map((template): Plan => {
    const there = actual.templates.find(
      (each) => isCalled(each, template.name) && each['hypervisor'] === 'External',
    );
    return there === undefined
      ? { changes: [creation(wanted, template)], remarks: [] }
      : { changes: update(wanted, template, there), remarks: [] };
  });
  return joined(plans);
}

/** CloudStack replaces all details of a template at once, with its prefix before those for a script. */
function update({ prune }: Wanted, { name, details }: WantedTemplate, there: Entry): Change[] {
  const before = externalDetailsOf(there) ?? {};
  const secrets = new Set<string>();
  const { details: all, differences } = mergeDetails(before, details, { prune, secrets });
  if (differences.length === 0) return [];
  const id = asText(there['id']);
  const others = Object.entries(asTexts(there['details'])).filter(
    ([key]) => !key.startsWith(prefix),
  );
  const prefixed = Object.entries(all).map(([key, value]) => [`${prefix}${key}`, value]);
  const whole = Object.fromEntries([...others, ...prefixed]) as Texts;
  return [
    {
      ...{ verb: 'update', subject: `template ${name}`, differences, command: 'updateTemplate' },
      parameters: () =>
        Object.keys(whole).length === 0 ? { id, cleanupdetails: true } : { id, details: whole },
    },
  ];
}

function creation({ zone = '' }: Wanted, template: WantedTemplate): Change {
  const { name, ostype, description, arch, details } = template;
  return {
    verb: 'create',
    subject: `template ${name}`,
    differences: [
      { what: 'OS type', to: ostype },
      { what: 'description', to: description ?? name },
      { what: 'public', to: String(template.public) },
      { what: 'featured', to: String(template.featured) },
      ...(arch === undefined ? [] : [{ what: 'arch', to: arch }]),
      ...detailDifferences({}, details, new Set()),
    ],
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
