/** How tests call the program. */

const ROOT = new URL("../../", import.meta.url).pathname;

/** Names the built executable to try instead of the source tree. */
export const EXECUTABLE_VARIABLE = "CORACLE_EXECUTABLE";

export const PROGRAM: readonly [string, ...string[]] = programOf(
  Deno.env.get(EXECUTABLE_VARIABLE),
);

function programOf(executable: string | undefined): [string, ...string[]] {
  return executable ? [executable] : [
    ...[Deno.execPath(), "run", "--allow-all"] as const,
    ...[`--config=${ROOT}deno.json`, `${ROOT}main.ts`],
  ];
}

/** `coracle ARGS` */
export function programCommand(
  args: readonly string[],
  options: Omit<Deno.CommandOptions, "args"> = {},
): Deno.Command {
  const [path, ...first] = PROGRAM;
  return new Deno.Command(path, { ...options, args: [...first, ...args] });
}
