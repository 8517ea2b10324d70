/** One lie or fault of a driver, as Python code that changes the good driver. */
export interface WrongDriver {
  readonly title: string;
  readonly code: string;
  /** Words that the answer to at least one call has to hold. */
  readonly says: RegExp;
  /** The driver never answers, so that its calls get little time. */
  readonly slow?: boolean;
}

/** Replaces one primitive; `good` is the one that was there. */
function instead(word: string, body: string): string {
  return `good = WORDS["${word}"]\n\ndef wrong(request):\n    ${body.split('\n').join('\n    ')}\n\nWORDS["${word}"] = wrong\n`;
}

/** Runs in place of `main` for everything but describe, which has to be right to come this far. */
function mainInstead(body: string): string {
  return `good_main = main\n\ndef main(word):\n    if word == "describe":\n        return good_main(word)\n    ${body.split('\n').join('\n    ')}\n`;
}

export const wrongDrivers: readonly WrongDriver[] = [
  {
    title: 'prints nonsense',
    code: mainInstead('print("Bonjour")\nreturn 0'),
    says: /did not print one JSON object/,
  },
  {
    title: 'prints nothing and calls it a success',
    code: mainInstead('return 0'),
    says: /printed nothing/,
  },
  {
    title: 'prints a line of its own before the answer',
    code: mainInstead('print("connecting ...", flush=True)\nreturn good_main(word)'),
    says: /did not print one JSON object/,
  },
  {
    title: 'prints bytes that are no text',
    code: mainInstead('sys.stdout.buffer.write(b"\\xff\\xfe{}")\nreturn 0'),
    says: /not UTF-8/,
  },
  {
    title: 'prints more than can be read',
    code: mainInstead('sys.stdout.write("[" + "0," * 5_000_000)\nreturn 0'),
    says: /more than 8 MiB/,
  },
  {
    title: 'hangs',
    code: mainInstead('time.sleep(600)'),
    says: /Gave up after/,
    slow: true,
  },
  {
    title: 'dies by a signal',
    code: mainInstead('os.kill(os.getpid(), 9)'),
    says: /ended by SIGKILL/,
  },
  {
    title: 'closes its input and answers without having read it',
    code: mainInstead('sys.stdin.close()\nanswer({})\nreturn 0'),
    says: /"machines" is missing/,
  },
  {
    title: 'leaves a child that holds the pipe',
    code: mainInstead(
      'code = good_main(word)\nsys.stdout.flush()\nif os.fork() == 0:\n    time.sleep(600)\nos._exit(code)',
    ),
    says: /holds its output open/,
  },
  {
    title: 'speaks another version of the protocol',
    code: mainInstead('sys.stdout.write(json.dumps({"protocol": 2}))\nreturn 0'),
    says: /speaks protocol 2/,
  },
  {
    title: 'names no version of the protocol',
    code: mainInstead('sys.stdout.write("{}")\nreturn 0'),
    says: /does not name the protocol/,
  },
  {
    title: 'answers an error and ends with exit code 0',
    code: mainInstead('answer({"error": {"kind": "missing", "message": "none"}})\nreturn 0'),
    says: /error with exit code 0/,
  },
  {
    title: 'ends with exit code 1 and answers no error',
    code: mainInstead('good_main(word)\nreturn 1'),
    says: /its answer is no error/,
  },
  {
    title: 'has a kind of failure of its own',
    code: mainInstead('answer({"error": {"kind": "gone", "message": "gone"}})\nreturn 1'),
    says: /"error.kind" must be one of/,
  },
  {
    title: 'lists nothing',
    code: instead('list', 'return {"machines": [], "complete": True}'),
    says: /its list is not complete/,
  },
  {
    title: 'hides a part of its machines',
    code: instead(
      'list',
      'return {"machines": [each for each in good(request)["machines"] if "i-2-42-" not in each["name"]], "complete": True}',
    ),
    says: /its list is not complete/,
  },
  {
    title: 'does not promise that its list is complete',
    code: instead('list', 'return {"machines": []}'),
    says: /"complete" is missing/,
  },
  {
    title: 'lists a machine twice',
    code: instead('list', 'all = good(request)\nreturn {**all, "machines": all["machines"] * 2}'),
    says: /twice/,
  },
  {
    title: 'has words of its own for states',
    code: instead(
      'list',
      'all = good(request)\nfor each in all["machines"]:\n    each["state"] = "stopped"\nreturn all',
    ),
    says: /"machines.0.state" must be one of/,
  },
  {
    title: 'leaves the state out',
    code: instead(
      'list',
      'all = good(request)\nfor each in all["machines"]:\n    del each["state"]\nreturn all',
    ),
    says: /"machines.0.state" is missing/,
  },
  {
    title: 'leaves the mark out of its list',
    code: instead(
      'list',
      'all = good(request)\nfor each in all["machines"]:\n    del each["mark"]\nreturn all',
    ),
    says: /no member "mark"/,
  },
  {
    title: 'cuts marks off',
    code: instead(
      'list',
      'all = good(request)\nfor each in all["machines"]:\n    each["mark"] = (each["mark"] or "")[:60]\nreturn all',
    ),
    says: /mark that cannot be read|carries no mark|unreadable|unknown/i,
  },
  {
    title: 'shows another machine than it was asked for',
    code: instead('get', 'return {"machine": {**good(request)["machine"], "id": "else"}}'),
    says: /answered machine else instead/,
  },
  {
    title: 'forgets the mark of a machine that it makes',
    code: instead('make', 'return good({**request, "mark": ""})'),
    says: /does not carry the mark/,
  },
  {
    title: 'makes nothing and answers the id of another machine',
    code: instead('make', 'return {"id": "planted-1"}'),
    says: /answered machine planted-1 instead/,
  },
  {
    title: 'makes nothing and answers the id that was wanted',
    code: instead('make', 'return {"id": request["name"]}'),
    says: /which it does not show/,
  },
  {
    title: 'switches nothing on',
    code: instead('power-on', 'return {}'),
    says: /show machine \S+ as on/,
    slow: true,
  },
  {
    title: 'switches machines on with other hardware',
    code: instead(
      'power-on',
      'return good({**request, "instance": {**request["instance"], "nics": []}})',
    ),
    says: /came up with other CPUs, memory or NICs/,
  },
  {
    title: 'switches nothing off',
    code: instead('cut-power', 'return {}'),
    says: /show machine \S+ as off/,
    slow: true,
  },
  {
    title: 'removes nothing',
    code: instead('destroy', 'return {}'),
    says: /show that machine \S+ is gone/,
    slow: true,
  },
  {
    title: 'writes no mark',
    code: instead('write-mark', 'return {}'),
    says: /shows another one now/,
  },
];
