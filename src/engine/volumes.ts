/** From what a user wants mounted to what the runtime mounts. */

import { invalidArgument } from "../base/errors.ts";
import type { Host, RootDirectory } from "../core/host.ts";
import type { SpecMount } from "../oci/runtime_spec.ts";
import type { MountAccess, RunMount } from "./run_options.ts";

interface VolumeDeps {
  readonly host: Host;
  readonly root: RootDirectory;
  /** Directory of a namespace's volumes. */
  readonly volumesPath: string;
  /** Held by who makes or removes volumes with a name. */
  readonly lockPath: string;
  /** Directory of the volumes that end with the container. */
  readonly anonymousPath: string;
}

/**
 * Directory of a container's volumes without a name. No name of a volume
 * starts with a dot.
 */
export function anonymousVolumes(volumesPath: string, id: string): string {
  return `${volumesPath}/.${id}`;
}

/**
 * Removes a container's volumes without a name, except where others use them,
 * too (see `volumes_from.ts`): then they stay until somebody removes them as
 * volumes.
 */
export function removeAnonymous(
  host: Host,
  volumesPath: string,
  id: string,
): void {
  const directory = anonymousVolumes(volumesPath, id);
  if (!host.exists(`${directory}/shared`)) host.removeDirectory(directory);
}

/**
 * Mounts for the user's wishes and the image's volumes. Makes the directories
 * that must be made, and fills new volumes with what the image has there.
 *
 * @param imageVolumes paths that the image wants to be volumes
 */
export async function prepareMounts(
  asked: readonly RunMount[],
  imageVolumes: readonly string[],
  deps: VolumeDeps,
): Promise<readonly SpecMount[]> {
  const targets = new Set<string>();
  for (const { target } of asked) {
    if (targets.has(target)) {
      throw invalidArgument(`Duplicate mount point: ${target}`);
    }
    targets.add(target);
  }
  const implied = imageVolumes
    .filter((target) => !targets.has(target))
    .map((target): RunMount => ({
      kind: "volume",
      target,
      access: "writable",
      start: "imageContent",
    }));
  const mounts: SpecMount[] = [];
  for (const mount of [...asked, ...implied]) {
    if (mount.kind !== "volume") {
      mounts.push(mount.kind === "bind" ? bind(mount, deps) : tmpfs(mount));
      continue;
    }
    const directory = mount.name === undefined
      ? `${deps.anonymousPath}/${mounts.length}`
      : `${deps.volumesPath}/${mount.name}`;
    mounts.push(await volume(mount, directory, deps));
  }
  return mounts;
}

function bind(
  mount: RunMount & { kind: "bind" },
  { host }: VolumeDeps,
): SpecMount {
  if (!host.exists(mount.source)) {
    if (mount.missing === "fail") {
      throw invalidArgument(
        `invalid mount config for type "bind": bind source path does not ` +
          `exist: ${mount.source}`,
      );
    }
    host.makeDirectory(mount.source);
  }
  return {
    destination: mount.target,
    type: "bind",
    source: mount.source,
    options: [...mount.options, ...accessOption(mount.access)],
  };
}

function tmpfs(mount: RunMount & { kind: "tmpfs" }): SpecMount {
  return {
    destination: mount.target,
    type: "tmpfs",
    source: "tmpfs",
    options: mount.options,
  };
}

async function volume(
  mount: RunMount & { kind: "volume" },
  directory: string,
  { host, root, lockPath }: VolumeDeps,
): Promise<SpecMount> {
  const data = `${directory}/_data`;
  {
    using _alone = mount.name === undefined
      ? undefined
      : await host.lock(lockPath);
    if (!host.exists(data)) await fill(directory, data);
  }
  return {
    destination: mount.target,
    type: "bind",
    source: data,
    options: ["rbind", "rprivate", ...accessOption(mount.access)],
  };

  /** Whole or not at all: who comes next takes what is there. */
  async function fill(directory: string, data: string): Promise<void> {
    const unfinished = `${directory}/_new`;
    host.makeDirectory(directory);
    host.removeDirectory(unfinished);
    const copied = mount.start === "imageContent" &&
      await root.copyOut(mount.target, unfinished);
    if (!copied) host.makeDirectory(unfinished);
    host.rename(unfinished, data);
  }
}

function accessOption(access: MountAccess): readonly string[] {
  return [access === "readonly" ? "ro" : "rw"];
}
