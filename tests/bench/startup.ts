/** Start-up of the executable against the bare runtime. */

import { type Bench, pairs, ratioRow, runQuietly } from "./bench.ts";

/** As in `scripts/pack/runtime_settings.ts`. */
const FLAGS = [
  "--no-config",
  "--no-lock",
  "--no-npm",
  "--cached-only",
  "--no-code-cache",
  "--ext=js",
];

export const bench: Bench = {
  name: "startup",
  async run({ coracle, say }) {
    const script = await Deno.makeTempFile({ suffix: ".js" });
    try {
      say("coracle version and deno run of an empty script, 40 pairs");
      const samples = await pairs(
        40,
        () => runQuietly(coracle, ["version"]),
        () => runQuietly(Deno.execPath(), ["run", "-A", ...FLAGS, script]),
      );
      return [ratioRow(samples, {
        what: "coracle version",
        reference: "deno run of nothing",
        bar: 1.3,
      })];
    } finally {
      await Deno.remove(script);
    }
  },
};
