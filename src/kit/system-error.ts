/**
 * What the operating system calls the error that it gave, such as `ENOENT`.
 *
 * Throws every other error again: a programmer's mistake is no trouble with a file.
 */
export function systemCode(error: unknown): string {
  const { code, syscall } = (error ?? {}) as NodeJS.ErrnoException;
  if (error instanceof Error && syscall !== undefined && code !== undefined) return code;
  throw error;
}
