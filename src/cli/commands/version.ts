import type { Invocation } from "../command.ts";
import { serverVersion } from "../server_version.ts";

/** `coracle version 0.1.0` */
export async function versionLine(): Promise<string> {
  const { VERSION } = await import("../../app/self.ts");
  return `coracle version ${VERSION}`;
}

/** `coracle version` */
export async function run(inv: Invocation): Promise<number> {
  const format = inv.flags.string("format");
  if (format === undefined) {
    inv.stdout.line(await versionLine());
    const server = await serverVersion(inv);
    if (server !== undefined) inv.stdout.line(`server version ${server}`);
    return 0;
  }
  const { VERSION } = await import("../../app/self.ts");
  const { printObject } = await import("../format/object.ts");
  const { os, arch } = Deno.build;
  const program = { Version: VERSION, Os: os, Arch: arch };
  printObject(inv.stdout, {
    ...program,
    Deno: Deno.version.deno,
    V8: Deno.version.v8,
    // Docker's form. There is no other server, unless one is named.
    Client: program,
    Server: {
      ...program,
      Version: await serverVersion(inv) ?? VERSION,
    },
  }, format);
  return 0;
}
