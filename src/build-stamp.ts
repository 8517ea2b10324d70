declare const OUTRIGGER_VERSION: string;
declare const OUTRIGGER_STAMP: string;

/** The version in package.json, as the build put it in. */
export const version: string = OUTRIGGER_VERSION;

/** `sha256:` and the hash of this file's content, as the build put it in. */
export const stamp: string = OUTRIGGER_STAMP;
