import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';

/*
 * Every comment and every text for an operator names its actor: the process, the operator, the
 * tenant, the management server, the remote system, the file. A pronoun as the subject leaves the
 * reader to work out which of them is meant.
 */

/** Folders and files that are clean; the list grows until it is src as a whole. */
const clean: readonly string[] = [
  'src/commands',
  'src/kit',
  'src/contract',
  'src/lifecycle',
  'src/guest',
  'src/cloudstack',
  'src/failure.ts',
  'src/entry.ts',
  'src/providers',
  'tools/skeleton',
  'fakes',
  'test/conformance',
  'test/providers',
  'test/instruments/faults',
  'test/instruments/fuzz',
  'test/instruments/scale',
];

/** Words that stand for an actor without naming one; `nobody@pve` is the name of an account. */
const nameless = /\b(whoever|whomever|whosever|somebody|someone|nobody|anybody|whatever)\b(?!@)/i;

/** Beginnings of a sentence in a comment after which a pronoun is its subject. */
const pronounFirst = /^(Who|Whose|Whom|What|That)\s/;

export interface Finding {
  readonly line: number;
  readonly sentence: string;
}

interface Piece {
  readonly kind: 'comment' | 'text';
  readonly line: number;
  readonly words: string;
}

/**
 * The comments and the texts of a source file, in their order.
 *
 * Lines of one `//` comment belong together; regular expressions are left out.
 */
function piecesOf(source: string): Piece[] {
  const pieces: Piece[] = [];
  const token =
    /\/\*[\s\S]*?\*\/|(?:^[ \t]*\/\/.*\n?)+|\/\/.*|'(?:\\.|[^'\\\n])*'|"(?:\\.|[^"\\\n])*"|`(?:\\.|[^`\\])*`|(?<=[=(,:!&|?{;]\s*)\/(?![/*])(?:\\.|\[(?:\\.|[^\]\\\n])*\]|[^/\\\n[])+\/[a-z]*/gm;
  for (const { 0: found, index } of source.matchAll(token)) {
    const line = source.slice(0, index).split('\n').length;
    const isComment = /^\s*\/[/*]/.test(found);
    if (!isComment && found.startsWith('/')) continue;
    // The expressions in a template are code.
    const words = isComment
      ? found.replace(/^\s*(\/\*\*?|\*\/|\*|\/\/)|\*\/$/gm, '')
      : found.replace(/\$\{[^}]*\}/g, '...');
    pieces.push({ kind: isComment ? 'comment' : 'text', line, words });
  }
  return pieces;
}

/** The sentences of a piece, each with the line on which it begins. */
function sentencesOf({ words, line }: Piece): Finding[] {
  const sentences = words.matchAll(/[^\s][\s\S]*?(?:[.:;!?](?=\s)|$(?![\s\S])|(?=\n\s*\n))/g);
  return [...sentences].map(({ 0: sentence, index }) => ({
    line: line + words.slice(0, index).split('\n').length - 1,
    sentence: sentence.replace(/\s+/g, ' '),
  }));
}

/** The sentences of a source file whose subject names no actor. */
function namelessIn(source: string): Finding[] {
  return piecesOf(source).flatMap((piece) =>
    sentencesOf(piece).filter(
      ({ sentence }) =>
        nameless.test(sentence) || (piece.kind === 'comment' && pronounFirst.test(sentence)),
    ),
  );
}

function filesOf(place: string): string[] {
  if (place.endsWith('.ts')) return [place];
  const names = readdirSync(place, { recursive: true }).map(String);
  return names.filter((name) => name.endsWith('.ts')).map((name) => join(place, name));
}

describe('the words of the sources', () => {
  for (const place of clean) {
    it(`name an actor in every comment and text of ${place}`, () => {
      const files = filesOf(place);
      assert.ok(files.length > 0);
      const found = files.flatMap((file) =>
        namelessIn(readFileSync(file, 'utf8')).map(
          ({ line, sentence }) => `${file}:${line}: ${sentence}`,
        ),
      );
      assert.deepEqual(found, [], `\n${found.join('\n')}\n`);
    });
  }

  it('are found in comments of both kinds, in texts and in the middle of a comment', () => {
    const source = [
      '/** Whoever pins does not ask the calendar. */',
      'const a = 1; // What is left of it.',
      '/*',
      ' * The process ends here. Who is asked to end',
      ' * still answers.',
      ' */',
      "const b = 'nobody may read it';",
      'const c = `told to somebody at once`;',
    ].join('\n');
    assert.deepEqual(namelessIn(source), [
      { line: 1, sentence: 'Whoever pins does not ask the calendar.' },
      { line: 2, sentence: 'What is left of it.' },
      { line: 4, sentence: 'Who is asked to end still answers.' },
      { line: 7, sentence: "'nobody may read it'" },
      { line: 8, sentence: '`told to somebody at once`' },
    ]);
  });

  it('are left alone where an actor is named, and in names of the code', () => {
    const source = [
      '/** The operator decides what is written where. */',
      "const whoever = /nobody|somebody/.test('the process');",
      "// The address is kept: 'What' may begin a text that is shown, though no comment.",
      "const question = 'What is your name?';",
    ].join('\n');
    assert.deepEqual(namelessIn(source), []);
  });
});
