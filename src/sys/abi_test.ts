import { assertEquals } from "@std/assert";
import { runsI386, runsX32 } from "./abi.ts";

/** The kernel's own configuration, where it shows it. */
async function kernelConfig(): Promise<string | undefined> {
  try {
    const { body } = new Response(await Deno.readFile("/proc/config.gz"));
    return await new Response(
      body?.pipeThrough(new DecompressionStream("gzip")),
    ).text();
  } catch {
    return undefined;
  }
}

const config = await kernelConfig();
// libc's symbols stay open; the sanitizer must not count them to a test.
runsX32();

Deno.test({
  name: "runsX32() and runsI386() agree with the kernel's configuration",
  ignore: config === undefined || Deno.build.arch !== "x86_64",
  fn() {
    assertEquals(runsX32(), config?.includes("\nCONFIG_X86_X32_ABI=y\n"));
    assertEquals(runsI386(), config?.includes("\nCONFIG_IA32_EMULATION=y\n"));
  },
});

/** Ends the process for any of x32's system calls, as service managers do. */
const UNDER_FILTER = `
import { runsX32 } from "${new URL("./abi.ts", import.meta.url)}";
const { prctl } = Deno.dlopen("libc.so.6", {
  prctl: { parameters: ["i32", "u64", "buffer", "u64", "u64"], result: "i32" },
}).symbols;
const [NO_NEW_PRIVILEGES, SET_SECCOMP, FILTER] = [38, 22, 2n];
const instructions = new BigUint64Array([
  0x0000_0000_0000_0020n, // load the call's number
  0x4000_0000_0100_0035n, // if it is not x32's, pass over one
  0x8000_0000_0000_0006n, // end the process
  0x7fff_0000_0000_0006n, // allow
]);
const program = new BigUint64Array([
  BigInt(instructions.length),
  Deno.UnsafePointer.value(Deno.UnsafePointer.of(instructions)),
]);
if (prctl(NO_NEW_PRIVILEGES, 1n, null, 0n, 0n) !== 0) throw new Error("privs");
if (prctl(SET_SECCOMP, FILTER, program, 0n, 0n) !== 0) throw new Error("filter");
console.log(runsX32());
`;

Deno.test({
  name: "runsX32() does not ask when a filter might end it for the question",
  ignore: Deno.build.arch !== "x86_64",
  async fn() {
    const script = `data:text/javascript,${encodeURIComponent(UNDER_FILTER)}`;
    const { signal, stdout } = await new Deno.Command(Deno.execPath(), {
      args: ["run", "-A", script],
    }).output();
    assertEquals(signal, null);
    assertEquals(new TextDecoder().decode(stdout), "true\n");
  },
});
