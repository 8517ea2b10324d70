/**
 * The code of an error from the operating system, such as `ENOENT`.
 *
 * Throws every other error again, since a mistake in the program is not an error of a file.
 */
export function systemCode(error: unknown): string {
  const { code, syscall } = (error ?? {}) as NodeJS.ErrnoException;
  if (error instanceof Error && syscall !== undefined && code !== undefined) return code;
  throw error;
}
