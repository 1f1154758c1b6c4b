/**
 * All keys of the daemon's configuration: what they hold, what they do. The
 * check of files, `config default` and docs/configuration.md come from here.
 */

import { isLevel, LEVELS } from "../log_level.ts";
import { PROXY_TYPES } from "./daemon_config.ts";
import { PLUGIN_TABLES } from "./plugin_keys.ts";
import { UNUSED_PLUGIN_TABLES } from "./unused_plugin_keys.ts";

/** What a key holds, in words for whoever got it wrong. */
export const KINDS = {
  string: "a text",
  integer: "a whole number",
  number: "a number",
  boolean: "true or false",
  strings: "a list of texts",
  duration: 'a duration such as "1.5s", "2m30s"',
  map: "a table of texts",
  tables: "a list of tables",
  table: "a table",
} as const;

export type Kind = keyof typeof KINDS;

export interface Key {
  readonly kind: Kind;
  /** In force where the key is absent. */
  readonly default?: unknown;
  /** The default is root's; an ordinary user has another one. */
  readonly varies?: "byUser";
  readonly says: string;
  /** The values there are. */
  readonly choices?: readonly string[];
  /** If it takes more than those. */
  readonly accepts?: (value: string) => boolean;
  /** Known, because containerd has it; there is nothing here that it changes. */
  readonly effect?: "none";
}

export interface KeyTable {
  /** Names that lead to the table; `*` stands for any. */
  readonly path: readonly string[];
  /** Paths that it had in older versions. */
  readonly formerly?: readonly (readonly string[])[];
  readonly says: string;
  /** `open`: it may have other keys than those. */
  readonly keys: Readonly<Record<string, Key>> | "open";
  /** Nothing in it changes anything here. */
  readonly effect?: "none";
}

const SOCKET_OWNER = {
  uid: { kind: "integer", default: 0, says: "User who owns the socket" },
  gid: {
    kind: "integer",
    default: 0,
    says: "Group whose members may use the socket",
  },
} as const satisfies KeyTable["keys"];

const TOP: KeyTable = {
  path: [],
  says: "At the top of the file",
  keys: {
    version: {
      kind: "integer",
      default: 4,
      says: "Version of the file's layout: 2, 3 or 4, as containerd has them",
    },
    root: {
      kind: "string",
      default: "/var/lib/coracle",
      varies: "byUser",
      says: "Directory of everything that survives a reboot",
    },
    state: {
      kind: "string",
      default: "/run/coracle",
      varies: "byUser",
      says: "Directory of everything that does not",
    },
    temp: {
      kind: "string",
      default: "",
      says: "Directory for temporary files, if not the system's",
    },
    imports: {
      kind: "strings",
      default: [],
      says: "Further files, read after this one; `*` stands for any name, " +
        "paths are relative to this file",
    },
    disabled_plugins: {
      kind: "strings",
      default: [],
      says: "Plugins to leave out, by type and id: `io.containerd.grpc.v1.cri`",
    },
    required_plugins: {
      kind: "strings",
      default: [],
      says: "Plugins without which the daemon is not to start",
    },
    oom_score: {
      kind: "integer",
      default: 0,
      says: "What to make of /proc/self/oom_score_adj; 0: leave it",
    },
    snapshotter: {
      kind: "string",
      default: "",
      says: "Snapshotter to use where none is asked for; empty: the best",
    },
    runtime: {
      kind: "string",
      default: "runc",
      says: "OCI runtime, by name or path",
    },
    log_level: {
      kind: "string",
      default: "info",
      choices: ["trace", "debug", "info", "warn", "error"],
      says: "Least important messages to write; `[debug] level` beats it",
    },
    log_format: {
      kind: "string",
      default: "text",
      choices: ["text", "json"],
      says: "How to write messages; `[debug] format` beats it",
    },
    plugin_dir: {
      kind: "string",
      default: "",
      effect: "none",
      says: "Directory of plugins that are Go libraries",
    },
  },
};

const SECTIONS: readonly KeyTable[] = [
  {
    path: ["shim"],
    says: "The processes that keep containers",
    keys: {
      grouping: {
        kind: "string",
        default: "container",
        choices: ["container", "namespace"],
        says: "Whose containers share a shim: each has its own, or all of a " +
          "namespace have one",
      },
    },
  },
  {
    path: ["registry"],
    says: "Where images come from",
    keys: {
      config_path: {
        kind: "strings",
        default: [
          ...["/etc/coracle/certs.d", "/etc/containerd/certs.d"],
          "/etc/docker/certs.d",
        ],
        varies: "byUser",
        says: "Directories of `HOST/hosts.toml`, the first one that has it",
      },
    },
  },
  {
    path: ["debug"],
    says: "The log. In version 4 the socket is a table of its own",
    keys: {
      level: {
        kind: "string",
        default: "info",
        choices: [...LEVELS, ""],
        accepts: isLevel,
        says: "Least important messages to write",
      },
      format: {
        kind: "string",
        default: "text",
        choices: ["text", "json", ""],
        says: "How to write messages: as text, or as JSON lines",
      },
      log_trace_id: {
        kind: "boolean",
        default: false,
        effect: "none",
        says: "Messages of traced calls always say their trace",
      },
      address: { kind: "string", default: "", says: "See the table below" },
      ...SOCKET_OWNER,
    },
  },
  {
    path: ["cgroup"],
    says: "The daemon's own cgroup",
    effect: "none",
    keys: {
      path: {
        kind: "string",
        default: "",
        effect: "none",
        says: "Let the service manager place the daemon instead",
      },
    },
  },
  {
    path: ["timeouts"],
    says: "How long to wait is not a matter of configuration",
    effect: "none",
    keys: "open",
  },
  {
    path: ["proxy_plugins", "*"],
    says: "A plugin that another process serves over gRPC",
    keys: {
      type: {
        kind: "string",
        choices: [...Object.keys(PROXY_TYPES), ...Object.values(PROXY_TYPES)],
        says: "What it is; each type has a short name",
      },
      address: { kind: "string", says: "Path of its socket" },
      platform: { kind: "string", default: "", says: "`linux/amd64`" },
      exports: { kind: "map", default: {}, says: "What introspection shows" },
      capabilities: {
        kind: "strings",
        default: [],
        says: "What introspection shows",
      },
    },
  },
  {
    path: ["stream_processors"],
    says:
      "Layers are tars, compressed or not; others, as encrypted ones, are " +
      "refused",
    effect: "none",
    keys: "open",
  },
];

export const KEY_TABLES: readonly KeyTable[] = [
  TOP,
  ...SECTIONS,
  ...PLUGIN_TABLES,
  ...UNUSED_PLUGIN_TABLES,
];

/** The table at a path, by its name now or formerly. */
export function tableAt(path: readonly string[]): KeyTable | undefined {
  return KEY_TABLES.find((it) =>
    [it.path, ...it.formerly ?? []].some((known) => samePath(known, path))
  );
}

/** True if tables that are known lie below the path. */
export function leadsToTable(path: readonly string[]): boolean {
  return KEY_TABLES.some((it) =>
    [it.path, ...it.formerly ?? []].some((known) =>
      known.length > path.length &&
      samePath(known.slice(0, path.length), path)
    )
  );
}

function samePath(known: readonly string[], path: readonly string[]): boolean {
  return known.length === path.length &&
    known.every((name, at) => name === "*" || name === path[at]);
}
