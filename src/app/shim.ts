/**
 * The program that keeps containers: containerd's shim under the name
 * `containerd-shim-coracle-v1`, and `coracle shim` for our own command line.
 * Each verb loads what it needs only: every container pays for what is loaded.
 */

/** @returns the exit code */
export async function main(args: readonly string[]): Promise<number> {
  const [first, second, ...rest] = args;
  if (first === "shim-log") {
    const { shimLog } = await import("./shim_log.ts");
    return await shimLog(args.slice(1));
  }
  if (first === "shim" && second === "keep") {
    const { keep } = await import("./keeper.ts");
    return await keep(rest);
  }
  if (first === "shim" && second === "spare") {
    const { serveWhenTold } = await import("./shim_spare.ts");
    return await serveWhenTold();
  }
  const { runShimCommand } = await import("./shim_command.ts");
  return await runShimCommand(first === "shim" ? args.slice(1) : args);
}
