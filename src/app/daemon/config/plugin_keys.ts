/** Keys of plugins' tables. */

import type { Key, KeyTable } from "./keys.ts";
import { ofPlugin, unused } from "./plugin_table.ts";

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

const SERVERS: readonly KeyTable[] = [
  {
    path: ["plugins", `${SERVER}.grpc`],
    formerly: [["grpc"]],
    says: "Where the API is served",
    keys: {
      address: {
        kind: "string",
        default: "/run/coracle/coracle.sock",
        varies: "byUser",
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
        says: "Path of the socket; empty: `debug.sock` in the state directory",
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
  ofPlugin("io.containerd.runtime.v2.task", "Tasks", {
    own_shim: {
      kind: "boolean",
      default: true,
      says: "Keep containers of `io.containerd.runc.v2` and `v1` ourselves; " +
        "false: by containerd's program of that name, which has to be there",
    },
    ...unused({
      platforms: {
        kind: "strings",
        default: ["linux/amd64"],
        says: "The host's",
      },
      sched_core: { kind: "boolean", default: false, says: "Core scheduling" },
    }),
  }),
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
    concurrent_layer_fetch_buffer: {
      kind: "integer",
      default: 0,
      effect: "none",
      says: "Each layer is downloaded in one piece",
    },
    check_platform_supported: {
      kind: "boolean",
      default: false,
      effect: "none",
      says: "Images are unpacked as the client asks",
    },
    unpack_config: {
      kind: "tables",
      default: [],
      effect: "none",
      says: "Images are unpacked as the client asks",
    },
  }),
  ofPlugin("io.containerd.service.v1.diff-service", "Layers for clients", {
    default: {
      kind: "strings",
      default: ["walking"],
      says: "Differs, each asked if those before it can't do it: ours, " +
        "`walking`, and those of other programs",
    },
    sync_fs: {
      kind: "boolean",
      default: false,
      effect: "none",
      says: "What is unpacked is always on disk when it is answered",
    },
  }),
  ofPlugin("io.containerd.metadata.v1.bolt", "The database", {
    content_sharing_policy: {
      kind: "string",
      default: "shared",
      choices: ["shared", "isolated"],
      says: "Whether a namespace gets content that another one has by its " +
        "digest alone, or has to bring it. Namespaces with the label " +
        "`containerd.io/namespace.shareable=true` share in any case",
    },
    no_sync: {
      kind: "boolean",
      default: false,
      effect: "none",
      says: "What is acknowledged is on disk",
    },
  }),
];
