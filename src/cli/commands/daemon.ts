import type { Invocation } from "../command.ts";

/**
 * `coracle --root DIR daemon …`: becomes the daemon, which `coracle daemon …`
 * is from the beginning. What follows `daemon` is its own to read.
 */
export async function run(inv: Invocation): Promise<number> {
  const { becomeDaemon } = await import("../../app/become_daemon.ts");
  const { root, state, address, logLevel, logFormat, debug } = inv.global;
  const level = logLevel ?? (debug === true ? "debug" : undefined);
  const flags = Object.entries({
    root,
    state,
    address,
    "log-level": level,
    "log-format": logFormat,
  }).flatMap(([name, value]) =>
    value === undefined ? [] : [`--${name}`, value]
  );
  const config = inv.flags.string("config");
  return becomeDaemon([
    ...flags,
    ...config === undefined ? [] : ["--config", config],
    ...inv.args,
  ]);
}
