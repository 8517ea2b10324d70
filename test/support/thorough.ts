/**
 * The reason why a table of tests that takes minutes is left out; `undefined` when it is asked for. A
 * whole run of CI has to end within half an hour on two cores.
 */
export const leftOut: string | undefined =
  process.env['OUTRIGGER_THOROUGH'] === undefined
    ? 'takes minutes: set OUTRIGGER_THOROUGH=1'
    : undefined;
