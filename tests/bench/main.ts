/**
 * Runs the benches of this folder and prints one table.
 *
 * `deno task bench [NAME...]`; exit code 1 if a figure is above its bar.
 */

import type { Bench, Row } from "./bench.ts";

const FOLDER = new URL("./", import.meta.url);
const NOT_BENCHES = ["main.ts", "bench.ts"];

function benchFiles(): readonly string[] {
  return Array.from(Deno.readDirSync(FOLDER), ({ name }) => name)
    .filter((name) => name.endsWith(".ts") && !name.endsWith("_test.ts"))
    .filter((name) => !NOT_BENCHES.includes(name))
    .sort();
}

async function benches(names: readonly string[]): Promise<readonly Bench[]> {
  const found: Bench[] = [];
  for (const file of benchFiles()) {
    const name = file.replace(/\.ts$/, "");
    if (names.length > 0 && !names.includes(name)) continue;
    const module: { readonly bench?: Bench } = await import(
      new URL(file, FOLDER).href
    );
    // A file without a bench is a helper of one.
    if (module.bench !== undefined) found.push(module.bench);
  }
  return found;
}

function table(rows: readonly Row[]): string {
  const cells = rows.map((row) => [
    row.what,
    row.measured,
    row.reference,
    row.figure.toFixed(2),
    `<= ${row.bar}`,
    row.figure <= row.bar ? "met" : "MISSED",
  ]);
  const header = ["what", "measured", "compared with", "figure", "bar", ""];
  return [header, header.map(() => "---"), ...cells]
    .map((line) => `| ${line.join(" | ")} |`).join("\n");
}

function say(line: string): void {
  Deno.stdout.writeSync(new TextEncoder().encode(`${line}\n`));
}

async function main(): Promise<number> {
  const coracle = new URL("../../bin/coracle", import.meta.url).pathname;
  const rows: Row[] = [];
  for (const bench of await benches(Deno.args)) {
    say(`== ${bench.name}`);
    rows.push(...await bench.run({ coracle, say }));
  }
  say(`\n${table(rows)}`);
  return rows.every((row) => row.figure <= row.bar) ? 0 : 1;
}

if (import.meta.main) Deno.exit(await main());
