/**
 * The first stage of every start: decides by the program's name and its first
 * argument which program this process is, and loads that one only. It imports
 * nothing, so that it costs nothing.
 */

/** Each is a bundle of its own in the executable. */
export type ProgramName = "cli" | "shim" | "daemon";

export interface Program {
  /** @returns the exit code */
  main(args: readonly string[]): Promise<number>;
}

/** The name under which containerd looks for our shim. */
const SHIM_NAME = /^containerd-shim-coracle-v\d+$/;

/** What the command line starts of this executable for itself. */
const SHIM_COMMANDS: ReadonlySet<string> = new Set(["shim", "shim-log"]);

/** Those who start containerd themselves find us under its name. */
const DAEMON_NAME = "containerd";

/** Exit code of a program that failed in a way it did not foresee. */
const EXIT_SOFTWARE = 70;

/** @param argv0 the name under which the executable was called */
export function programFor(
  argv0: string,
  [first = ""]: readonly string[],
): ProgramName {
  const name = argv0.slice(argv0.lastIndexOf("/") + 1);
  if (SHIM_NAME.test(name) || SHIM_COMMANDS.has(first)) return "shim";
  return name === DAEMON_NAME || first === "daemon" ? "daemon" : "cli";
}

/** Runs the program to its end and leaves the process. */
export async function runToExit(
  load: () => Promise<Program>,
  args: readonly string[],
): Promise<never> {
  try {
    const program = await load();
    Deno.exit(await program.main(args));
  } catch (error) {
    const text = error instanceof Error ? error.stack : String(error);
    Deno.stderr.writeSync(new TextEncoder().encode(`coracle: ${text}\n`));
    Deno.exit(EXIT_SOFTWARE);
  }
}
