/** Pull and unpack of a large image against other engines. */

import { startRegistry } from "../support/registry.ts";
import { type Bench, median, type Row } from "./bench.ts";
import { freshDisk } from "./fresh_disk.ts";
import { watchMemory } from "./memory.ts";
import { benchLayers, run, uploadBenchImage } from "./pull_image.ts";
import { type PullTool, pullTools, succeeds } from "./pull_tools.ts";

const ROUNDS = Number(Deno.env.get("CORACLE_BENCH_ROUNDS") ?? 5);
const NAME = "bench/image";
const MIB = 1024 * 1024;

interface Measured {
  readonly seconds: number;
  readonly peakBytes: number;
}

export const bench: Bench = {
  name: "pull",
  async run({ coracle, say }): Promise<readonly Row[]> {
    const layers = await benchLayers(say);
    const bytes = layers.reduce((sum, { size }) => sum + size, 0);
    say(`${layers.length} layers, ${Math.round(bytes / 1e6)} MB compressed`);
    const tools = await installed(pullTools(coracle));
    const dir = await Deno.makeTempDir({ prefix: "pull-" });
    try {
      await using registry = await startRegistry();
      await uploadBenchImage(layers, registry.host, NAME);
      const reference = `${registry.host}/${NAME}:latest`;
      const results = await measureAll(tools, dir, reference, say);
      return rows(results, say);
    } finally {
      await Deno.remove(dir, { recursive: true });
    }
  },
};

async function installed(
  tools: readonly PullTool[],
): Promise<readonly PullTool[]> {
  const found: PullTool[] = [];
  for (const tool of tools) {
    const checks = await Promise.all(
      tool.needs.map((name) => succeeds(["which", name])),
    );
    if (checks.every((isThere) => isThere)) found.push(tool);
  }
  return found;
}

async function measureAll(
  tools: readonly PullTool[],
  dir: string,
  reference: string,
  say: (line: string) => void,
): Promise<ReadonlyMap<string, readonly Measured[]>> {
  const results = new Map<string, Measured[]>();
  for (let round = 1; round <= ROUNDS; round++) {
    for (const tool of tools) {
      const measured = await measure(tool, dir, reference);
      results.set(tool.name, [...results.get(tool.name) ?? [], measured]);
      const { seconds, peakBytes } = measured;
      const memory = Math.round(peakBytes / MIB);
      say(
        `round ${round}: ${tool.name} ${seconds.toFixed(2)} s, ${memory} MiB`,
      );
    }
  }
  return results;
}

async function measure(
  tool: PullTool,
  dir: string,
  reference: string,
): Promise<Measured> {
  await using disk = await freshDisk(dir);
  await using puller = await tool.open(disk.path, reference);
  await run(dir, "sync");
  const start = performance.now();
  const child = new Deno.Command(puller.command, {
    args: [...puller.args],
    stdin: "null",
    stdout: "null",
    stderr: "piped",
  }).spawn();
  using memory = watchMemory([child.pid, ...puller.daemons]);
  const { success, stderr } = await child.output();
  const seconds = (performance.now() - start) / 1000;
  if (!success) {
    const reason = new TextDecoder().decode(stderr).slice(-1000);
    throw new Error(`Cannot measure "${tool.name}": ${reason}`);
  }
  return { seconds, peakBytes: memory.peakBytes };
}

function rows(
  results: ReadonlyMap<string, readonly Measured[]>,
  say: (line: string) => void,
): readonly Row[] {
  const medians = [...results].map(([name, all]) => ({
    name,
    seconds: median(all.map(({ seconds }) => seconds)),
    peakMiB: Math.max(...all.map(({ peakBytes }) => peakBytes)) / MIB,
  }));
  for (const { name, seconds, peakMiB } of medians) {
    say(`${name}: ${seconds.toFixed(2)} s, ${Math.round(peakMiB)} MiB`);
  }
  const [ours, ...others] = medians;
  const fastest = others.toSorted((a, b) => a.seconds - b.seconds)[0];
  if (ours === undefined) throw new Error("Nothing was measured");
  const memory: Row = {
    what: "peak memory of coracle pull",
    measured: `${Math.round(ours.peakMiB)} MiB`,
    reference: "",
    figure: ours.peakMiB,
    bar: 200,
  };
  if (fastest === undefined) return [memory];
  return [{
    what: "coracle pull into an empty store",
    measured: `${ours.seconds.toFixed(2)} s`,
    reference: `${fastest.name}: ${fastest.seconds.toFixed(2)} s`,
    figure: ours.seconds / fastest.seconds,
    bar: 0.55,
  }, memory];
}
