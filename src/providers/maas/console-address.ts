/** What an operator's console address may leave open. */
export interface ConsoleSubject {
  readonly name: string;
  readonly uuid: string;
  readonly system_id: string;
  readonly hostname: string;
}

/** Fills a subject into an address that passed `isConsoleTemplate`. */
export function fillConsoleAddress(template: string, subject: ConsoleSubject): string {
  return Object.entries(subject).reduce(
    (address, [key, value]) => address.split(`{${key}}`).join(encodeURIComponent(value)),
    template,
  );
}

export function isConsoleTemplate(template: string): boolean {
  const subject = { name: 'name', uuid: 'uuid', system_id: 'id', hostname: 'host' };
  const filled = fillConsoleAddress(template, subject);
  if (!filled.startsWith('https://') || /[{}]/.test(filled)) return false;
  try {
    const { username, password, hostname } = new URL(filled);
    return username === '' && password === '' && hostname !== '';
  } catch {
    return false;
  }
}
