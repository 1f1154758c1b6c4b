/** `--volumes-from`: a container with the mounts of others. */

import type { Context } from "../base/context.ts";
import { invalidArgument } from "../base/errors.ts";
import { containerSpec, findContainer } from "./inspect_find.ts";
import { shownMounts } from "./inspect_mounts.ts";
import type { LifeDeps } from "./life_deps.ts";
import type { RunMount } from "./run_options.ts";

/** Words of a mode; the last two mean nothing here. */
const MODES: readonly string[] = ["ro", "rw", "z", "Z"];

/**
 * Directories and volumes; a memory file system is its container's alone. Of
 * several at one path the last one counts.
 * @param asked `CONTAINER[:MODE]`
 * @throws {EngineError} `notFound`, `invalidArgument`
 */
export async function mountsOfOthers(
  ctx: Context,
  deps: Pick<LifeDeps, "services" | "volumesPath">,
  asked: readonly string[],
): Promise<readonly RunMount[]> {
  const mounts = new Map<string, RunMount>();
  for (const text of asked) {
    const { name, words } = parseVolumesFrom(text);
    for (const mount of await mountsOf(ctx, deps, name)) {
      mounts.set(
        mount.target,
        words.includes("ro") ? { ...mount, access: "readonly" } : mount,
      );
    }
  }
  return [...mounts.values()];
}

/** @throws {EngineError} `invalidArgument`, in docker's words */
export function parseVolumesFrom(text: string): {
  readonly name: string;
  readonly words: readonly string[];
} {
  if (text === "") {
    throw invalidArgument(
      "volumes-from specification cannot be an empty string",
    );
  }
  const colon = text.indexOf(":");
  if (colon < 0) return { name: text, words: [] };
  const mode = text.slice(colon + 1);
  const words = mode.split(",");
  const isKnown = words.every((word) => MODES.includes(word)) &&
    new Set(words).size === words.length &&
    !(words.includes("ro") && words.includes("rw"));
  if (!isKnown) {
    throw invalidArgument(`invalid mode: ${mode}`, {
      hint: "The modes are ro and rw",
    });
  }
  return { name: text.slice(0, colon), words };
}

type BindMount = RunMount & { readonly kind: "bind" };

async function mountsOf(
  ctx: Context,
  { services, volumesPath }: Pick<LifeDeps, "services" | "volumesPath">,
  name: string,
): Promise<readonly BindMount[]> {
  const container = await findContainer(ctx, services, name);
  const spec = await containerSpec(ctx, services, container) ?? {};
  const found = shownMounts(spec);
  for (const { Name } of found) {
    const owner = /^\.([^/]+)\//.exec(Name ?? "")?.[1];
    if (owner === undefined) continue;
    // To be found by `removeAnonymous()` when the owner goes.
    const directory = `${volumesPath}/${ctx.namespace}/.${owner}`;
    services.host.writeText(`${directory}/shared`, "");
  }
  return found.map(({ Source, Destination, Mode, RW }) => ({
    kind: "bind",
    source: Source,
    target: Destination,
    access: RW ? "writable" : "readonly",
    missing: "create",
    options: Mode.split(",").filter((word) => word !== "ro" && word !== "rw"),
  }));
}
