/** The addresses in `console_address` by host or node; one that is for all of them under ''. */
export function readAddresses(given: string): ReadonlyMap<string, string> {
  if (!given.includes('=')) return new Map([['', given]]);
  return new Map(
    given.split(',').map((entry): [string, string] => {
      const [name = '', address = ''] = entry.split('=').map((part) => part.trim());
      return [name, address];
    }),
  );
}
