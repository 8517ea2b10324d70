/**
 * Prints the details that lead to a fake, one `key=value` a line, and serves until Ctrl-C or SIGTERM.
 *
 * `close` ends the fake, so that the process can end.
 */
export async function serve(
  details: Readonly<Record<string, string>>,
  close: () => Promise<void>,
): Promise<void> {
  for (const [key, value] of Object.entries(details)) process.stdout.write(`${key}=${value}\n`);
  await new Promise((resolve) => process.once('SIGINT', resolve).once('SIGTERM', resolve));
  await close();
}
