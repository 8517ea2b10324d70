/** The commands of operators; every call compares its first argument, so that this file loads nothing. */
export const commandWords: readonly string[] = [
  'help',
  'version',
  'demo',
  'invoke',
  'conform',
  'settings',
  'actions',
  'doctor',
  'driver',
  'register',
  'log',
  'audit',
  'adopt',
];

/** Whether the word is a command, or one of the two options that people try first. */
export function isCommandWord(word: string): boolean {
  return commandWords.includes(word) || word === '--help' || word === '-h' || word === '--version';
}
