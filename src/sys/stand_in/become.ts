/** A shim that becomes its own stand-in. */

import { closeFd } from "../descriptors.ts";
import { SysError } from "../errno.ts";
import { coldSymbols, cstr, errno, stringArray } from "../libc.ts";
import { makeMemoryFile } from "../memory_file.ts";
import { standInImage, type StandInPlan } from "./image.ts";

const becomeSymbols = coldSymbols({
  execve: { parameters: ["buffer", "buffer", "buffer"], result: "i32" },
  fcntl: { parameters: ["i32", "i32", "i64"], result: "i32" },
  signal: { parameters: ["i32", "pointer"], result: "pointer" },
});

const F_SETFD = 2;
const SIG_IGN = Deno.UnsafePointer.create(1n);
/** HUP, INT, PIPE, TERM: as stand-ins do that start something. */
const IGNORED = [1, 2, 13, 15];

/**
 * Returns only if that can't be: all of this process but its number, its
 * children and the descriptors that it keeps has gone.
 * @param kept descriptors
 * @param env `NAME=value`
 * @throws {SysError}
 */
export function becomeStandIn(
  plan: StandInPlan,
  kept: readonly number[],
  env: readonly string[],
): never {
  const symbols = becomeSymbols();
  const program = makeMemoryFile("stand-in", standInImage(plan), "program");
  for (const fd of kept) symbols.fcntl(fd, F_SETFD, 0n);
  // Handlers would be forgotten, and the signals do their worst.
  for (const signal of IGNORED) symbols.signal(signal, SIG_IGN);
  const argv = stringArray(plan.shim.argv);
  const envp = stringArray(env);
  const path = cstr(`/proc/self/fd/${program}`);
  symbols.execve(path, argv.pointers, envp.pointers);
  const code = errno();
  closeFd(program);
  throw new SysError("become", code, plan.name);
}
