import { expectFailure } from '../../../failure.ts';
import { findAll, readXml } from './xml.ts';

const serialised = 'http://schemas.microsoft.com/powershell/2004/04';

/**
 * The text that PowerShell wrote to its error stream, for people to read: plain text, or the error
 * records of CLIXML without progress and warnings. Never used to decide anything.
 */
export function readDiagnostics(stderr: string): string {
  const [, ...documents] = stderr.split(/#< CLIXML\r?\n/);
  if (documents.length === 0) return tidy(stderr);
  const lines = documents.flatMap((document) => {
    try {
      // Several may follow each other without a sign between them.
      const errors = findAll(readXml(`<all>${document}</all>`), serialised, 'S').filter(
        ({ attributes }) => attributes['S'] === 'Error',
      );
      return errors.map(({ text }) => unescapeText(text));
    } catch (thrown) {
      expectFailure(thrown);
      return [document];
    }
  });
  return tidy(lines.join(''));
}

function unescapeText(text: string): string {
  return text.replace(/_x([0-9A-Fa-f]{4})_/g, (_, code: string) =>
    String.fromCharCode(Number.parseInt(code, 16)),
  );
}

function tidy(text: string): string {
  return text.replace(/\s+/g, ' ').trim().slice(0, 800);
}
