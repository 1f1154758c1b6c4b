import type { ServiceUnit } from "../../app/service_units.ts";
import { EngineError, failedPrecondition } from "../../base/errors.ts";
import type { Invocation } from "../command.ts";

/** `coracle [FLAGS] install-service [--user] [--print]` */
export async function run(inv: Invocation): Promise<number> {
  const units = await import("../../app/service_units.ts");
  const { serviceFlags } = await import("../../app/service_flags.ts");
  const { configHome } = await import("../../app/paths.ts");
  const { selfCommand } = await import("../../app/self.ts");
  const scope = inv.flags.boolean("user") ? "user" : "system";
  const flags = serviceFlags(inv.global, inv.env);
  const files = units.serviceUnits({ scope, program: selfCommand(), flags });
  if (inv.flags.boolean("print")) {
    for (const { name, text } of files) {
      inv.stdout.write(`# ${name}\n${text}\n`);
    }
    return 0;
  }
  const directory = inv.flags.string("directory") ??
    units.unitDirectory(scope, configHome(inv.env));
  try {
    await writeUnits(inv, directory, files, units.isOurUnit);
  } catch (error) {
    throw error instanceof Deno.errors.PermissionDenied
      ? forbidden(directory, error)
      : error;
  }
  inv.stdout.line("To start it now and at each boot, type:");
  for (const command of units.enableCommands(scope)) {
    inv.stdout.line(`  ${command}`);
  }
  return 0;
}

async function writeUnits(
  inv: Invocation,
  directory: string,
  files: readonly ServiceUnit[],
  isOurs: (text: string) => boolean,
): Promise<void> {
  await Deno.mkdir(directory, { recursive: true });
  for (const { name } of files) {
    const path = `${directory}/${name}`;
    const there = await textOf(path);
    if (there === undefined || isOurs(there)) continue;
    throw failedPrecondition(
      `Cannot replace "${path}": coracle install-service has not written it`,
      { hint: "Give it another name, or see what there would be with --print" },
    );
  }
  for (const { name, text } of files) {
    await Deno.writeTextFile(`${directory}/${name}`, text);
    inv.stdout.line(`Wrote ${directory}/${name}`);
  }
}

async function textOf(path: string): Promise<string | undefined> {
  try {
    return await Deno.readTextFile(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}

function forbidden(directory: string, cause: Error): EngineError {
  return new EngineError(
    "permissionDenied",
    `Cannot write units to "${directory}": permission denied`,
    { cause, hint: "Run it with sudo, or add --user for a daemon of your own" },
  );
}
