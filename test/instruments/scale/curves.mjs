import { runPair, summarize } from '../bench/measure.mjs';

const sizes = [1, 100, 1000, 5000];

/** The time of `statuses` for so many instances, beside `node -e 0` on the same Node. */
export async function measureLists({ lists, openList }, order, print) {
  const lines = [];
  for (const provider of lists) {
    for (const instances of sizes) {
      const list = await openList(provider, instances);
      try {
        const line = { provider, instances, ...(await measureList(list, order)) };
        lines.push(line);
        print(textLine(line));
      } finally {
        await list.close();
      }
    }
  }
  return lines;
}

async function measureList(list, { file, meter, node, path, rounds }) {
  const samples = [];
  const env = { ...list.env, PATH: path };
  for (let round = 0; round < rounds; round += 1) {
    const before = list.requests();
    const call = [file, 'statuses', list.payload('statuses'), '1800'];
    const base = [node, '-e', '0'];
    const ran = await runPair(meter, { base, call, env, baseFirst: round % 2 === 0 });
    const counted = { requests: list.requests() - before, connections: 0, traffic: 0 };
    samples.push({ ...ran, ...counted });
  }
  const [{ exit, output }] = samples;
  if (samples.some((sample) => sample.exit !== exit)) throw new Error('the rounds do not agree');
  return { ...summarize(samples), answered: exit === 0, output };
}

function textLine({
  provider,
  instances,
  answered,
  cpuRatio,
  wallMs,
  megabytes,
  answer,
  requests,
}) {
  const cells = [
    instances,
    cpuRatio.toFixed(2),
    wallMs.toFixed(0),
    megabytes.toFixed(0),
    answer,
    requests,
  ].map((cell) => String(cell).padStart(8));
  return `${provider.padEnd(10)}${cells.join('')}  ${answered ? '' : 'refused: too long'}`.trimEnd();
}
