/** What a file of this folder exports as `bench`, and how it measures. */

export interface Bench {
  /** For `deno task bench NAME`; the name of the file. */
  readonly name: string;
  /** Measures; one row for each thing that has a bar. */
  run(options: BenchOptions): Promise<readonly Row[]>;
}

export interface BenchOptions {
  /** The packed executable. */
  readonly coracle: string;
  /** One line about what is being done. */
  readonly say: (line: string) => void;
}

/** One line of the table. */
export interface Row {
  readonly what: string;
  /** What was measured, with its unit: `15.8 ms`. */
  readonly measured: string;
  /** What it is compared with: `deno run: 15.1 ms`; empty if with nothing. */
  readonly reference: string;
  /** In the unit of the bar: a ratio, or a number of MiB. */
  readonly figure: number;
  /** The figure may not be above it. */
  readonly bar: number;
}

export interface Sample {
  readonly first: number;
  readonly second: number;
}

/**
 * Measures two things by turns, so that whatever else the machine does falls
 * on both alike.
 * @returns milliseconds
 */
export async function pairs(
  count: number,
  first: () => Promise<void>,
  second: () => Promise<void>,
): Promise<readonly Sample[]> {
  await first();
  await second();
  const samples: Sample[] = [];
  for (let i = 0; i < count; i++) {
    samples.push({
      first: await milliseconds(first),
      second: await milliseconds(second),
    });
  }
  return samples;
}

export async function milliseconds(
  action: () => Promise<void>,
): Promise<number> {
  const start = performance.now();
  await action();
  return performance.now() - start;
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  const [low, high] = [sorted[middle - 1], sorted[middle]];
  if (high === undefined) throw new Error("Cannot take the median of nothing");
  return sorted.length % 2 === 1 || low === undefined ? high : (low + high) / 2;
}

/** A row that says how many times as long `first` takes as `second`. */
export function ratioRow(
  samples: readonly Sample[],
  row: Pick<Row, "what" | "bar"> & { readonly reference: string },
): Row {
  const first = median(samples.map((sample) => sample.first));
  const second = median(samples.map((sample) => sample.second));
  return {
    what: row.what,
    bar: row.bar,
    measured: `${first.toFixed(1)} ms`,
    reference: `${row.reference}: ${second.toFixed(1)} ms`,
    figure: median(samples.map((sample) => sample.first / sample.second)),
  };
}

/** Runs a command to its end, its output thrown away. */
export async function runQuietly(
  command: string,
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<void> {
  const { code } = await new Deno.Command(command, {
    args: [...args],
    env: { ...env },
    stdin: "null",
    stdout: "null",
    stderr: "null",
  }).spawn().status;
  if (code !== 0) {
    throw new Error(
      `Cannot run "${[command, ...args].join(" ")}": exit ${code}`,
    );
  }
}
