/**
 * Version 1 of the configuration, in which plugins had no types: dockerd
 * writes it for the containerd that it starts, saying "version = 0".
 */

import { isTable } from "./check.ts";
import type { Table } from "./daemon_config.ts";

const TYPES: Readonly<Record<string, string>> = {
  cri: "io.containerd.grpc.v1",
  cgroups: "io.containerd.monitor.v1",
  linux: "io.containerd.runtime.v1",
  scheduler: "io.containerd.gc.v1",
  bolt: "io.containerd.metadata.v1",
  task: "io.containerd.runtime.v2",
  opt: "io.containerd.internal.v1",
  restart: "io.containerd.internal.v1",
  tracing: "io.containerd.internal.v1",
  otlp: "io.containerd.tracing.processor.v1",
};

/** Whose names are those of snapshotters. */
const SNAPSHOTTERS = [
  ...["aufs", "btrfs", "devmapper", "native", "overlayfs", "zfs"],
];

/** True if the file says so, or says nothing and looks like it. */
export function isVersion1({ version, plugins, ...rest }: Table): boolean {
  if (version !== undefined) return version === 0 || version === 1;
  const names = ["disabled_plugins", "required_plugins"].flatMap((name) => {
    const list = rest[name];
    return Array.isArray(list) ? list : [];
  });
  return [...names, ...Object.keys(isTable(plugins) ? plugins : {})]
    .some((name) => typeof name === "string" && !name.includes("."));
}

/** The same in terms of version 2: plugins by type and id. */
export function fromVersion1({ plugins, ...rest }: Table): Table {
  const lists = ["disabled_plugins", "required_plugins"].flatMap((name) => {
    const list = rest[name];
    return Array.isArray(list)
      ? [[name, list.map((it) => fullName(String(it)))] as const]
      : [];
  });
  return {
    ...rest,
    ...Object.fromEntries(lists),
    version: 2,
    ...isTable(plugins)
      ? {
        plugins: Object.fromEntries(
          Object.entries(plugins).map(([name, it]) => [fullName(name), it]),
        ),
      }
      : {},
  };
}

function fullName(name: string): string {
  if (name.includes(".")) return name;
  if (SNAPSHOTTERS.includes(name)) {
    return `io.containerd.snapshotter.v1.${name}`;
  }
  const type = name.endsWith("-service")
    ? "io.containerd.service.v1"
    : TYPES[name] ?? "io.containerd.grpc.v1";
  return `${type}.${name}`;
}
