/**
 * The cluster's own time: real time divided by `scale`, and moved on by tests.
 *
 * With a scale of 0.01 ten seconds of Proxmox take 100 ms of the test; with Infinity time stands
 * still but for `advance` and `step`.
 */
export interface Clock {
  /** Milliseconds since 1970, as the cluster counts them. */
  now(): number;
  /** Waits so many of the cluster's milliseconds. */
  sleep(ms: number): Promise<void>;
  /** Calls back after so many of the cluster's milliseconds; the result takes the call back. */
  after(ms: number, callback: () => void): () => void;
  /** Lets so much time pass at once; all that is due in it happens in its order. */
  advance(ms: number): Promise<void>;
  /** Lets time pass until the next thing happens. */
  step(): Promise<void>;
  /** Nothing that was waited for happens any more. */
  stop(): void;
}

interface Alarm {
  readonly due: number;
  readonly ring: () => void;
}

export function createClock(scale: number): Clock {
  const began = Date.now();
  const startedMs = performance.now();
  const alarms = new Set<Alarm>();
  let jumped = 0;
  let timer: NodeJS.Timeout | undefined;

  const now = (): number => began + jumped + (performance.now() - startedMs) / scale;
  const next = (): number => Math.min(...[...alarms].map(({ due }) => due));
  const arm = (): void => {
    clearTimeout(timer);
    timer = undefined;
    if (alarms.size === 0) return;
    const left = Math.max(0, next() - now());
    timer = setTimeout(ring, left === 0 ? 0 : Math.min(left * scale, 0x7fffffff));
  };
  const ring = (): void => {
    const due = [...alarms].filter((alarm) => alarm.due <= now()).sort((a, b) => a.due - b.due);
    for (const alarm of due) {
      if (alarms.delete(alarm)) alarm.ring();
    }
    arm();
  };
  const jumpTo = async (time: number): Promise<void> => {
    jumped += Math.max(0, time - now());
    ring();
    await settled();
  };
  const after = (ms: number, callback: () => void): (() => void) => {
    const alarm = { due: now() + ms, ring: callback };
    alarms.add(alarm);
    arm();
    return () => {
      if (alarms.delete(alarm)) arm();
    };
  };
  return {
    now,
    after,
    sleep: (ms) => (ms > 0 ? new Promise((resolve) => void after(ms, resolve)) : Promise.resolve()),
    async advance(ms) {
      const until = now() + ms;
      while (next() <= until) await jumpTo(next());
      await jumpTo(until);
    },
    step: () => (alarms.size === 0 ? settled() : jumpTo(next())),
    stop() {
      alarms.clear();
      clearTimeout(timer);
    },
  };
}

/** Time for what was set off to get as far as it can. */
function settled(): Promise<void> {
  return new Promise((resolve) => setImmediate(() => setImmediate(resolve)));
}
