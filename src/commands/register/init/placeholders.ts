import { withoutComments } from './json-with-comments.ts';

/** The values in the text of a setup file that an operator has still to choose, such as `<url>`. */
export function placeholdersIn(text: string): readonly string[] {
  const found = withoutComments(text).matchAll(/: "(<[a-z0-9_]+>)"/g);
  return [...new Set([...found].map(([, word = '']) => word))];
}
