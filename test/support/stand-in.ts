import type { Context } from '../../src/contract/context.ts';
import type { Provider } from '../../src/contract/provider.ts';
import { type Verbs, type VerbsOf, verbsOf } from '../../src/lifecycle/index.ts';

type Open = (settings: Readonly<Record<string, unknown>>, context: Context) => Verbs;

const opened = new WeakMap<Provider['connect'], Open>();

/** A `connect` for a provider whose verbs a test serves by itself, in place of the lifecycle. */
export function standIn(open: Open): Provider['connect'] {
  const connect: Provider['connect'] = () => {
    throw new Error('a test serves the verbs of this provider');
  };
  opened.set(connect, open);
  return connect;
}

/** The verbs that a test serves for the provider, else those of the lifecycle. */
export const verbsOrStandIn: VerbsOf = (provider, settings, context) =>
  opened.get(provider.connect)?.(settings, context) ?? verbsOf(provider, settings, context);
