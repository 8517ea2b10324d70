import { parametersOf } from '../../cloudstack/custom.ts';
import { actionsOf } from '../../cloudstack/offered-actions.ts';
import type { Action, Parameter } from '../../contract/action.ts';
import type { Provider } from '../../contract/provider.ts';

/*
 * The texts of a custom action in CloudStack's user interface. Of a parameter it shows nothing but the
 * name, so that the description explains all of them; of a failure it shows nothing but the error message.
 */

/** CloudStack's limit for each of these texts. */
export const longestText = 255;

/** The effect of the action, first of all whether it throws data away, and each parameter by its name. */
export function descriptionOf(
  action: Action,
  parameters: readonly (readonly [string, Parameter])[] = Object.entries(parametersOf(action)),
): string {
  const explained = parameters.map(([name, each]) => help(name, each));
  const warning = action.destroysData === true ? ["Throws the instance's data away"] : [];
  return [...warning, action.about, ...explained].map((part) => `${part}.`).join(' ');
}

function help(key: string, { about, unit, example, required, options }: Parameter): string {
  return [
    `${key}: ${withSmallLetter(about)}`,
    unit === undefined ? '' : ` in ${unit}`,
    example === undefined || options !== undefined || example.length > 40
      ? ''
      : `, such as ${example}`,
    required === true || /without it/.test(about) ? '' : ' (optional)',
  ].join('');
}

/** `The disk` becomes `the disk`, and `ISO image` stays. */
function withSmallLetter(text: string): string {
  return /^[A-Z](?![A-Z])/.test(text) ? text.charAt(0).toLowerCase() + text.slice(1) : text;
}

export function successMessageOf({ succeeded }: Action): string | undefined {
  return succeeded;
}

/** `showErrors` is the name under which the action that tells the reason is registered. */
export function errorMessageOf(action: Action, name: string, showErrors: string): string {
  const failed = action.failed ?? '{{actionName}} failed';
  return name === showErrors ? `${failed}.` : `${failed}. ${showErrors} gives the reason.`;
}

const effects = ['shows', 'changes', 'interrupts', 'discards'] as const;

/**
 * The actions from everyday to dangerous. CloudStack lists them as they were made, the newest first.
 */
export function inOrderOfList(provider: Provider): (readonly [string, Action])[] {
  const rank = ({ effect, destroysData, roles }: Action): number => {
    const danger = effects.indexOf(destroysData === true ? 'discards' : (effect ?? 'changes'));
    return danger * 4 + (destroysData === true ? 2 : 0) + (roles.includes('User') ? 0 : 1);
  };
  return Object.entries(actionsOf(provider)).sort(([, a], [, b]) => rank(a) - rank(b));
}
