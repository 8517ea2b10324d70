const opening = '<!-- reference: made by node tools/docs.mjs, do not edit -->';
const closing = '<!-- end of reference -->';

/** The reference between the markers of a page; undefined where there are none. */
export function referenceIn(page: string): string | undefined {
  const start = page.indexOf(opening);
  const end = page.indexOf(closing);
  if (start < 0 || end < start) return undefined;
  return page
    .slice(start + opening.length, end)
    .replace(/^\n+|\n+$/g, '')
    .concat('\n');
}

/** The page with the reference between its markers, which are added at the end if there are none. */
export function withReference(page: string, reference: string): string {
  const block = `${opening}\n\n${reference}\n${closing}`;
  const start = page.indexOf(opening);
  const end = page.indexOf(closing);
  if (start < 0 || end < start) return `${page.trimEnd()}\n\n${block}\n`;
  return page.slice(0, start) + block + page.slice(end + closing.length);
}
