/**
 * Calls the commands that people wait for, one after the other, on a store and
 * containers of its own, under the OCI runtime that is there.
 */

import type { Program } from "./rehearsal_stage.ts";
import { run } from "./run.ts";
import { tinyProgram } from "./tiny_program.ts";

const ROOT = new URL("../../", import.meta.url).pathname;
const IMAGE = "rehearsal";
const CGROUPS = "/sys/fs/cgroup";

/**
 * @param dir an empty directory
 * @throws {Error} if a command fails, because there is no runtime for one
 */
export async function rehearseCommands(
  program: Program,
  dir: string,
): Promise<void> {
  const namespace = `rehearsal-${crypto.randomUUID().slice(0, 8)}`;
  const store = [
    ...["--root", `${dir}/root`, "--state", `${dir}/state`],
    ...["--namespace", namespace],
  ];
  const call = async (...args: readonly string[]) => {
    const code = await program.main([...store, ...args]);
    if (code !== 0) throw new Error(`"${args.join(" ")}" ended with ${code}`);
  };
  await makeImage(`${dir}/image`, store);
  try {
    await call("run", "--rm", IMAGE, "/end");
    const more = ["--env", "A=b", "--volume", `${dir}:/mnt:ro`, "--workdir"];
    await call(
      "run",
      "--rm",
      "--name",
      "first",
      ...more,
      "/mnt",
      IMAGE,
      "/end",
    );
    await call("run", "--detach", "--name", "second", IMAGE, "/stay");
    await call("exec", "second", "/end");
    await call("ps");
    await call("logs", "second");
  } finally {
    await program.main([...store, "rm", "--force", "second"]);
    removeCgroups(namespace);
  }
}

/** By this program's source: it unpacks in Workers, which are not played. */
async function makeImage(
  dir: string,
  store: readonly string[],
): Promise<void> {
  await Deno.mkdir(dir);
  for (const deed of ["end", "stay"] as const) {
    const program = tinyProgram(deed, Deno.build.arch);
    await Deno.writeFile(`${dir}/${deed}`, program, { mode: 0o755 });
  }
  const source = ["run", "-A", `--config=${ROOT}deno.json`, `${ROOT}main.ts`];
  const calls = [["import", dir, IMAGE], ["run", "--rm", IMAGE, "/end"]];
  for (const args of calls) {
    await run(Deno.execPath(), [...source, ...store, ...args], "/");
  }
}

/** The containers' own have gone with them. */
function removeCgroups(namespace: string): void {
  const hierarchies = [...Deno.readDirSync(CGROUPS)].map(({ name }) => name);
  for (const hierarchy of ["", ...hierarchies.map((name) => `/${name}`)]) {
    const parent = `${CGROUPS}${hierarchy}/coracle`;
    for (const path of [`${parent}/${namespace}`, parent]) {
      try {
        Deno.removeSync(path);
      } catch {
        // It is not there, or somebody uses it.
      }
    }
  }
}
