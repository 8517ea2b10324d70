import { Failure } from '../../failure.ts';

/** Text as the content of an element or an attribute; fails for what XML cannot carry. */
export function escapeXml(text: string): string {
  if (unspeakable.test(text)) {
    throw new Failure('usage', 'A text for the remote system holds a character that XML has not');
  }
  return text.replace(/[&<>"'\r\n\t]/g, (one) => `&#${one.charCodeAt(0)};`);
}

// Matched on purpose: control characters and halves of surrogate pairs are not allowed in XML.
const unspeakable =
  /[^\t\n\r\x20-\ud7ff\ue000-\ufffd\ud800-\udfff]|[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/;
