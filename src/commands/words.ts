/** What an operator may type; looked at in every call, so nothing is loaded for it. */
export const commandWords: readonly string[] = [
  'help',
  'version',
  'demo',
  'invoke',
  'conform',
  'settings',
  'actions',
  'doctor',
  'register',
  'log',
  'audit',
  'adopt',
];

/** Whether the word is a command, or one of the two options that people try first. */
export function isCommandWord(word: string): boolean {
  return commandWords.includes(word) || word === '--help' || word === '-h' || word === '--version';
}
