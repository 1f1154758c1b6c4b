import type { Invocation } from "../command.ts";

/** `coracle install-service [--user] [--print]` */
export async function run(inv: Invocation): Promise<number> {
  const units = await import("../../app/service_units.ts");
  const { configHome } = await import("../../app/paths.ts");
  const { selfCommand } = await import("../../app/self.ts");
  const scope = inv.flags.boolean("user") ? "user" : "system";
  const files = units.serviceUnits({ scope, program: selfCommand() });
  if (inv.flags.boolean("print")) {
    for (const { name, text } of files) {
      inv.stdout.write(`# ${name}\n${text}\n`);
    }
    return 0;
  }
  const directory = inv.flags.string("directory") ??
    units.unitDirectory(scope, configHome(inv.env));
  await Deno.mkdir(directory, { recursive: true });
  for (const { name, text } of files) {
    await Deno.writeTextFile(`${directory}/${name}`, text);
    inv.stdout.line(`Wrote ${directory}/${name}`);
  }
  inv.stdout.line("To start it now and at each boot, type:");
  for (const command of units.enableCommands(scope)) {
    inv.stdout.line(`  ${command}`);
  }
  return 0;
}
