/** The keys of an instance, one a line. */
export function keysIn(text = ''): readonly string[] {
  return text
    .split(/[\r\n]+/)
    .map((line) => line.trim())
    .filter((line) => line !== '');
}

/** JSON is YAML too and keeps every character of a key's comment inside its quotes. */
export function keyConfig(keys: readonly string[]): string {
  return [
    '#cloud-config',
    // Without it the list would take the place of the one in the user's own part.
    'merge_how: [{"name":"list","settings":["append"]},{"name":"dict","settings":["no_replace","recurse_list"]}]',
    `ssh_authorized_keys: ${JSON.stringify(keys)}`,
    '',
  ].join('\n');
}
