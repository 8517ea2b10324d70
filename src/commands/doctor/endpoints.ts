import type { Provider } from '../../contract/provider.ts';
import { readEndpoint } from '../../kit/http/address.ts';

/** The URLs of the remote system: the provider names them, else every setting that is one counts. */
export function endpointsOf(
  provider: Provider,
  settings: Readonly<Record<string, unknown>>,
): readonly string[] {
  const named = provider.endpoints?.(settings as never) ?? guessed(settings);
  return [...new Set(named)].filter(isUsable);
}

function guessed(settings: Readonly<Record<string, unknown>>): string[] {
  return Object.entries(settings)
    .filter(([key]) => !key.startsWith('console'))
    .flatMap(([, value]) => value)
    .filter((value): value is string => typeof value === 'string' && /^https?:\/\//i.test(value));
}

function isUsable(url: string): boolean {
  try {
    readEndpoint(url, { title: 'it', allowPlainHttp: true });
    return true;
  } catch {
    return false;
  }
}
