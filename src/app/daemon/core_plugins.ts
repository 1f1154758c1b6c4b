/**
 * What the services of the API stand on, as introspection shows it: clients
 * look there for snapshotters, runtimes and their platforms. Each opens what
 * the composition root has made; others require it by its key.
 */

import { background } from "../../base/context.ts";
import { formatPlatform, hostPlatform } from "../../base/platform.ts";
import type { ContentStore } from "../../core/content.ts";
import type { Differ } from "../../core/diff.ts";
import type { EventExchange } from "../../core/event.ts";
import type { LeaseManager } from "../../core/lease.ts";
import type { Services } from "../../core/services.ts";
import type { Snapshotter } from "../../core/snapshot.ts";
import { UnheardExits } from "../../engine/unheard_exits.ts";
import { contentKeeper, keptElsewhere } from "../choose_content.ts";
import { chooseSnapshotter } from "../choose_snapshotter.ts";
import { identify } from "../rootless/identity.ts";
import {
  type Plugin,
  plugin,
  type PluginHost,
  type PluginKey,
  SkipPlugin,
} from "./plugin.ts";
import { contentSharing } from "./start.ts";

export const EVENTS: PluginKey<EventExchange> = {
  type: "io.containerd.event.v1",
  id: "exchange",
};
/** What clients have missed when they find a daemon that has just started. */
export const UNHEARD: PluginKey<UnheardExits> = {
  type: "io.containerd.event.v1",
  id: "unheard-exits",
};
/** Of plugins whose value is a content store. One of them is in use. */
export const CONTENT_TYPE = "io.containerd.content.v1";
/** Our own. */
export const CONTENT: PluginKey<ContentStore> = {
  type: CONTENT_TYPE,
  id: "content",
};
/** Called as containerd's, whose options it takes; ours is SQLite. */
export const METADATA: PluginKey<Services> = {
  type: "io.containerd.metadata.v1",
  id: "bolt",
};
export const LEASES: PluginKey<LeaseManager> = {
  type: "io.containerd.lease.v1",
  id: "manager",
};
/** Of plugins whose value is a differ. */
export const DIFFER_TYPE = "io.containerd.differ.v1";
export const DIFFER: PluginKey<Differ> = { type: DIFFER_TYPE, id: "walking" };
/** Of plugins whose value is a snapshotter, called by the plugin's id. */
export const SNAPSHOTTER_TYPE = "io.containerd.snapshotter.v1";

/** `linux/amd64` */
const PLATFORM = formatPlatform(hostPlatform(Deno.build));

/** @param content which of the content stores is in use */
export function corePlugins(
  content: PluginKey<ContentStore> = CONTENT,
): readonly Plugin[] {
  return [
    plugin(EVENTS, [], ({ services }) => services.events),
    plugin(UNHEARD, [EVENTS], ({ services: { events }, ...host }) => {
      const { stopping: signal, log, now } = host;
      const ctx = background({ namespace: "", signal, log });
      return new UnheardExits({ events, ctx, now });
    }),
    plugin(CONTENT, [], openContent),
    snapshotter("overlayfs", (host) => {
      const reason = overlayObstacle(host);
      if (reason !== undefined) throw new SkipPlugin(reason);
    }),
    snapshotter("native", () => {}),
    plugin(METADATA, [content, EVENTS], (host) => {
      const path = `${host.paths.root}/meta.db`;
      const policy = contentSharing(host.daemon);
      host.describe({ exports: { path, policy } });
      return host.services;
    }),
    plugin(LEASES, [METADATA], ({ services }) => services.leases),
    plugin(DIFFER, [METADATA], ({ services, describe }) => {
      describe({ platforms: [PLATFORM] });
      return services.differ;
    }),
  ];
}

function openContent({ services, paths, describe }: PluginHost): ContentStore {
  describe({ exports: { root: `${paths.root}/content` } });
  const keeper = contentKeeper(paths);
  if (keeper !== undefined) throw keptElsewhere(paths, keeper);
  return services.content;
}

function snapshotter(id: string, check: (host: PluginHost) => void): Plugin {
  return plugin<Snapshotter>({ type: SNAPSHOTTER_TYPE, id }, [], (host) => {
    check(host);
    const found = host.services.snapshotters.get(id);
    if (found === undefined) throw new SkipPlugin("this store has none");
    host.describe({
      platforms: [PLATFORM],
      exports: { root: `${host.paths.root}/snapshots/${id}` },
    });
    return found;
  });
}

/** Why the kernel has no overlay for this store; undefined if it has. */
function overlayObstacle({ paths }: PluginHost): string | undefined {
  const { kind } = identify((name) => Deno.env.get(name), Deno.uid() ?? 0);
  const choice = chooseSnapshotter(
    paths,
    kind === "rootless" ? "rootless" : "root",
  );
  return choice.name === "overlayfs" ? undefined : choice.reason;
}
