import { payloadText } from './payload-file.ts';

/**
 * The API's answer with this text inside, as CloudStack writes it: it escapes the text for JSON, and
 * then un-escapes every `\\uXXXX` in the finished answer, those of the text as well.
 */
export function apiAnswer(text: string): string {
  return payloadText({ details: text }).replace(/\\u([0-9a-f]{4})/gi, (_, code: string) =>
    String.fromCharCode(Number.parseInt(code, 16)),
  );
}

/** Why the caller of the API cannot read an answer with this text; `undefined` when it can. */
export function unreadable(text: string): string | undefined {
  if (/[\ud800-\udbff][\udc00-\udfff]/.test(text)) {
    return "it holds a character of four bytes, which CloudStack's database refuses";
  }
  const answer = apiAnswer(text);
  try {
    JSON.parse(answer);
    return undefined;
  } catch {
    return "it holds an escape that makes CloudStack's own answer invalid JSON for cmk and the web interface";
  }
}
