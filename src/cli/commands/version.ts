import type { Invocation } from "../command.ts";

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
    return 0;
  }
  const { VERSION } = await import("../../app/self.ts");
  const { printObject } = await import("../format/object.ts");
  const { os, arch } = Deno.build;
  printObject(inv.stdout, {
    Version: VERSION,
    Os: os,
    Arch: arch,
    Deno: Deno.version.deno,
    V8: Deno.version.v8,
  }, format);
  return 0;
}
