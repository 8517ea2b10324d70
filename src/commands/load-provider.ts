import type { Provider, Registry } from '../contract/provider.ts';
import { Failure } from '../failure.ts';
import { nearest } from '../kit/nearest.ts';

/** The provider by its name in any case; throws `usage` with the nearest one. */
export async function loadProvider(name: string, registry: Registry): Promise<Provider> {
  const word = name.toLowerCase();
  const load = Object.hasOwn(registry, word) ? registry[word] : undefined;
  if (load !== undefined) return load();
  const names = Object.keys(registry);
  const near = nearest(name, names);
  const hint = near === undefined ? '' : `; did you mean "${near}"?`;
  throw new Failure('usage', `There is no provider "${name}"${hint}`, {
    advice: `There are: ${names.join(', ')}`,
  });
}
