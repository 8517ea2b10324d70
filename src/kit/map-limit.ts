/**
 * Works through a list with at most so many pieces going on at a time; results in its order.
 *
 * The first failure is thrown and nothing more is begun.
 */
export async function mapLimit<T, R>(
  list: readonly T[],
  most: number,
  work: (one: T) => Promise<R>,
): Promise<readonly R[]> {
  const results: R[] = [];
  const waiting = list.entries();
  let failed = false;
  const worker = async (): Promise<void> => {
    // One iterator for all workers: a free worker takes the next piece.
    for (const [at, one] of waiting) {
      if (failed) return;
      try {
        results[at] = await work(one);
      } catch (thrown) {
        failed = true;
        throw thrown;
      }
    }
  };
  await Promise.all(Array.from({ length: Math.min(most, list.length) }, worker));
  return results;
}
