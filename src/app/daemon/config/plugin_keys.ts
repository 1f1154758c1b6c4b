/** Keys of plugins' tables. */

import type { Key, KeyTable } from "./keys.ts";

const SERVER = "io.containerd.server.v1";

const OWNER: Readonly<Record<string, Key>> = {
  uid: { kind: "integer", default: 0, says: "User who owns the socket" },
  gid: {
    kind: "integer",
    default: 0,
    says: "Group whose members may use the socket",
  },
};

const MESSAGE_SIZES: Readonly<Record<string, Key>> = {
  max_recv_message_size: {
    kind: "integer",
    default: 16777216,
    effect: "none",
    says: "Bytes of a message; clients count on 16 MiB",
  },
  max_send_message_size: {
    kind: "integer",
    default: 16777216,
    effect: "none",
    says: "Bytes of a message; clients count on 16 MiB",
  },
};

function unused(keys: Readonly<Record<string, Omit<Key, "effect">>>) {
  return Object.fromEntries(
    Object.entries(keys).map(([name, key]) =>
      [name, { ...key, effect: "none" }] as const
    ),
  );
}

/** `[plugins."URI"]` @param formerly its URI in version 2 */
function ofPlugin(
  uri: string,
  says: string,
  keys: KeyTable["keys"],
  formerly?: string,
): KeyTable {
  return {
    path: ["plugins", uri],
    says,
    keys,
    ...formerly === undefined ? {} : { formerly: [["plugins", formerly]] },
  };
}

const SERVERS: readonly KeyTable[] = [
  {
    path: ["plugins", `${SERVER}.grpc`],
    formerly: [["grpc"]],
    says: "Where the API is served",
    keys: {
      address: {
        kind: "string",
        default: "/run/coracle/coracle.sock",
        says: "Path of the socket; `/run/containerd/containerd.sock` where " +
          "the program is called containerd",
      },
      ...OWNER,
      ...MESSAGE_SIZES,
      ...unused({
        tcp_address: {
          kind: "string",
          default: "",
          says: "The API is served on unix sockets only",
        },
        tcp_tls_ca: { kind: "string", default: "", says: "Of `tcp_address`" },
        tcp_tls_cert: { kind: "string", default: "", says: "Of `tcp_address`" },
        tcp_tls_key: { kind: "string", default: "", says: "Of `tcp_address`" },
        tcp_tls_common_name: {
          kind: "string",
          default: "",
          says: "Of `tcp_address`",
        },
      }),
    },
  },
  {
    path: ["plugins", `${SERVER}.grpc-tcp`],
    says: "The API is served on unix sockets only",
    effect: "none",
    keys: "open",
  },
  {
    path: ["plugins", `${SERVER}.ttrpc`],
    formerly: [["ttrpc"]],
    says: "Where shims tell what happens",
    keys: {
      address: {
        kind: "string",
        default: "",
        says: "Path of the socket; empty: that of gRPC with `.ttrpc` behind it",
      },
      ...OWNER,
    },
  },
  {
    path: ["plugins", `${SERVER}.debug`],
    says: "Where `coracle debug` asks. Version 3 has it in `[debug]`",
    keys: {
      address: {
        kind: "string",
        default: "",
        says: "Path of the socket; empty: there is none",
      },
      ...OWNER,
    },
  },
  {
    path: ["plugins", `${SERVER}.metrics`],
    formerly: [["metrics"]],
    says: "Where figures for Prometheus are served, at `/v1/metrics`",
    keys: {
      address: {
        kind: "string",
        default: "",
        says: "`127.0.0.1:1338`; empty: nowhere",
      },
      grpc_histogram: {
        kind: "boolean",
        default: false,
        says: "Up to version 3: see the table below",
      },
    },
  },
  ofPlugin("io.containerd.metrics.v1.grpc-prometheus", "Figures of calls", {
    grpc_histogram: {
      kind: "boolean",
      default: false,
      says: "Tell how long calls take, which makes for many figures",
    },
  }),
];

export const PLUGIN_TABLES: readonly KeyTable[] = [
  ...SERVERS,
  ofPlugin("io.containerd.gc.v1.scheduler", "When garbage is collected", {
    pause_threshold: {
      kind: "number",
      default: 0.02,
      says: "Share of time that collecting may take, at most 0.5",
    },
    deletion_threshold: {
      kind: "integer",
      default: 0,
      says: "Deletions after which it is time; 0: they don't count",
    },
    mutation_threshold: {
      kind: "integer",
      default: 100,
      says: "Changes after which it is time",
    },
    schedule_delay: {
      kind: "duration",
      default: "0s",
      says: "How long to wait when it is time",
    },
    startup_delay: {
      kind: "duration",
      default: "100ms",
      says: "How long after the start to collect for the first time",
    },
  }),
  ofPlugin(
    "io.containerd.monitor.container.v1.restart",
    "Restarts containers that are labelled so",
    {
      interval: {
        kind: "duration",
        default: "10s",
        says: "How often to look at them",
      },
    },
    "io.containerd.internal.v1.restart",
  ),
  ofPlugin(
    "io.containerd.image-verifier.v1.bindir",
    "Programs that have to accept an image before it is pulled",
    {
      bin_dir: {
        kind: "string",
        default: "/opt/containerd/image-verifier/bin",
        says: "Directory of the programs",
      },
      max_verifiers: {
        kind: "integer",
        default: 10,
        says: "How many to ask; -1: all",
      },
      per_verifier_timeout: {
        kind: "duration",
        default: "10s",
        says: "How long each may take",
      },
    },
  ),
  ofPlugin("io.containerd.transfer.v1.local", "Pulls and pushes for clients", {
    config_path: {
      kind: "string",
      default: "",
      says: "Directories of `HOST/hosts.toml`, separated by colons",
    },
    max_concurrent_downloads: {
      kind: "integer",
      default: 3,
      effect: "none",
      says: "All layers are downloaded at once",
    },
    max_concurrent_uploaded_layers: {
      kind: "integer",
      default: 3,
      effect: "none",
      says: "All layers are uploaded at once",
    },
    max_concurrent_unpacks: {
      kind: "integer",
      default: 1,
      effect: "none",
      says: "Layers are unpacked while they are downloaded",
    },
  }),
  ofPlugin("io.containerd.metadata.v1.bolt", "The database", {
    content_sharing_policy: {
      kind: "string",
      default: "shared",
      choices: ["shared", "isolated"],
      says: "Whether a namespace gets content that another one has by its " +
        "digest alone, or has to bring it",
    },
    no_sync: {
      kind: "boolean",
      default: false,
      effect: "none",
      says: "What is acknowledged is on disk",
    },
  }),
];

/** What containerd has and is of no consequence here. */
export const OTHER_PLUGIN_TABLES: readonly KeyTable[] = [
  ofPlugin("io.containerd.runtime.v2.task", "Tasks", {
    ...unused({
      platforms: {
        kind: "strings",
        default: ["linux/amd64"],
        says: "The host's",
      },
      sched_core: { kind: "boolean", default: false, says: "Core scheduling" },
    }),
  }),
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
    ["io.containerd.service.v1.diff-service", "Layers are made by walking"],
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
