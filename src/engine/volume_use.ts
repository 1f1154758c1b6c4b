/** Which containers use which volumes. */

import type { Context } from "../base/context.ts";
import { settingsOf } from "../core/container_settings.ts";
import type { Services } from "../core/services.ts";
import type { VolumeInfo, VolumeStore } from "../core/volume.ts";
import { containerSpec } from "./inspect_find.ts";
import { shownMounts } from "./inspect_mounts.ts";

export interface VolumeUseDeps {
  readonly services: Services;
  readonly volumes: VolumeStore;
}

export interface VolumeUse {
  /** Ids of the containers that a volume is of, running or not. */
  readonly usersOf: (volume: VolumeInfo) => readonly string[];
  /**
   * `unknown`: some container of ours is just being made, and which volumes
   * with a name it will use nobody knows.
   */
  readonly named: "known" | "unknown";
}

export async function volumeUse(
  ctx: Context,
  services: Services,
): Promise<VolumeUse> {
  const users = new Map<string, string[]>();
  const add = (name: string, id: string) => {
    users.set(name, [...users.get(name) ?? [], id]);
  };
  let named: VolumeUse["named"] = "known";
  for await (const container of services.containers.list(ctx)) {
    const spec = await containerSpec(ctx, services, container);
    if (spec === undefined && settingsOf(container) !== undefined) {
      named = "unknown";
    }
    const names = shownMounts(spec ?? {}).flatMap(({ Name }) => Name ?? []);
    for (const name of new Set(names)) add(name, container.id);
    // Those of its own are made before its spec is.
    add(`.${container.id}`, container.id);
  }
  return {
    named,
    usersOf: ({ name, kind }) =>
      users.get(name) ??
        (kind === "anonymous" ? users.get(ownerPart(name)) : undefined) ?? [],
  };
}

function ownerPart(name: string): string {
  return name.slice(0, name.indexOf("/"));
}
