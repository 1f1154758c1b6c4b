/** Tables of plugins that containerd has, and that change nothing here. */

import type { KeyTable } from "./keys.ts";
import { ofPlugin, unused } from "./plugin_table.ts";

export const UNUSED_PLUGIN_TABLES: readonly KeyTable[] = [
  ofPlugin("io.containerd.snapshotter.v1.overlayfs", "Overlay snapshots", {
    ...unused({
      root_path: {
        kind: "string",
        default: "",
        says: "Snapshots are in `snapshots` of the root directory",
      },
      upperdir_label: {
        kind: "boolean",
        default: false,
        says: "Snapshots have no label for their directory",
      },
      sync_remove: {
        kind: "boolean",
        default: false,
        says: "Removing is always complete when it is answered",
      },
      slow_chown: {
        kind: "boolean",
        default: false,
        says: "Owners are mapped by the kernel",
      },
      mount_options: { kind: "strings", default: [], says: "Chosen by trial" },
    }),
  }),
  ofPlugin("io.containerd.snapshotter.v1.native", "Snapshots by copying", {
    ...unused({
      root_path: {
        kind: "string",
        default: "",
        says: "Snapshots are in `snapshots` of the root directory",
      },
    }),
  }),
  ...([
    ["io.containerd.grpc.v1.cri", "Kubernetes' CRI"],
    ["io.containerd.cri.v1.images", "Images of Kubernetes' CRI"],
    ["io.containerd.cri.v1.runtime", "Pods of Kubernetes' CRI"],
    ["io.containerd.nri.v1.nri", "Plugins of nodes"],
    ["io.containerd.internal.v1.opt", "Managed directory of programs"],
    ["io.containerd.internal.v1.tracing", "Traces: see the environment"],
    ["io.containerd.tracing.processor.v1.otlp", "Traces: see the environment"],
    ["io.containerd.service.v1.tasks-service", "Resource classes"],
    ["io.containerd.differ.v1.erofs", "Layers in EROFS"],
    ["io.containerd.shim.v1.manager", "Environment of shims"],
    ["io.containerd.runtime.v1.linux", "Shims of version 1"],
    ["io.containerd.mount-manager.v1.bolt", "Mounts on behalf of clients"],
    ["io.containerd.snapshotter.v1.aufs", "Snapshots by aufs"],
    ["io.containerd.snapshotter.v1.blockfile", "Snapshots in image files"],
    ["io.containerd.snapshotter.v1.btrfs", "Snapshots by btrfs"],
    ["io.containerd.snapshotter.v1.devmapper", "Snapshots by device mapper"],
    ["io.containerd.snapshotter.v1.erofs", "Snapshots by EROFS"],
    ["io.containerd.snapshotter.v1.zfs", "Snapshots by ZFS"],
  ] as const).map(([uri, says]): KeyTable => ({
    path: ["plugins", uri],
    says,
    effect: "none",
    keys: "open",
  })),
  {
    path: ["plugins", "io.containerd.monitor.task.v1.cgroups"],
    formerly: [["plugins", "io.containerd.monitor.v1.cgroups"]],
    says: "Figures of containers: see the metrics",
    effect: "none",
    keys: "open",
  },
];
