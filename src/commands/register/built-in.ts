import { asText, type Entry } from '../api/client.ts';

/** The options with which install.sh works on the script of a built-in extension. */
export function replaceOption(extension: Entry): string {
  const [directory = '', entry = ''] = asText(extension['path']).split('/').slice(-2);
  return `--replace ${directory}/${entry}`;
}

/** Whether CloudStack brings the extension with it: it can neither be removed nor get another path. */
export function isBuiltIn(extension: Entry | undefined): boolean {
  return extension?.['isuserdefined'] === false;
}

/** The way back from Outrigger to the script of a built-in extension, with everything that stays behind. */
export function wayBack(extension: Entry, actions: readonly Entry[]): string {
  const ends = actions.map((each) => `id=${asText(each['id'])} (${asText(each['name'])})`);
  const left =
    ends.length === 0
      ? 'it has no custom actions'
      : `its custom actions stay, and those that the script does not have fail: cmk delete customaction ${ends.join(', ')}`;
  return `./install.sh ${replaceOption(extension)} --uninstall --force, with the --host options of the installation, puts its own script back; the details that Outrigger added do no harm; ${left}`;
}
