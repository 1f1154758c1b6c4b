/** What the configuration file says, once it has been read and checked. */

/** A table of TOML, as it is written. */
export type Table = Readonly<Record<string, unknown>>;

export interface SocketConfig {
  /** Path of a socket; absent: the default, or none where there is none. */
  readonly address?: string;
  /** Who owns the socket. */
  readonly uid?: number;
  readonly gid?: number;
}

/** Types of plugins that other processes can serve, by their short names. */
export const PROXY_TYPES = {
  snapshot: "io.containerd.snapshotter.v1",
  content: "io.containerd.content.v1",
  sandbox: "io.containerd.sandbox.controller.v1",
  diff: "io.containerd.differ.v1",
} as const;

export type ProxyKind = keyof typeof PROXY_TYPES;

/** `[proxy_plugins.NAME]`: a plugin behind a socket of another process. */
export interface ProxyPluginConfig {
  readonly type: ProxyKind;
  /** Path of its socket. */
  readonly address: string;
  /** `linux/amd64` */
  readonly platform?: string;
  readonly exports: Readonly<Record<string, string>>;
  readonly capabilities: readonly string[];
}

/** All files together, in terms of the newest version. */
export interface DaemonConfig {
  /** Files that were read, the first one first. */
  readonly files: readonly string[];
  readonly root?: string;
  readonly state?: string;
  /** Directory for temporary files. */
  readonly temp?: string;
  readonly grpc: SocketConfig;
  readonly ttrpc: SocketConfig;
  readonly debug: SocketConfig & {
    readonly level?: string;
    readonly format?: string;
  };
  /** Relative to that of the process which started the daemon. */
  readonly oomScore: number;
  /** By URI, `io.containerd.grpc.v1.cri`. */
  readonly disabledPlugins: ReadonlySet<string>;
  readonly requiredPlugins: ReadonlySet<string>;
  readonly proxyPlugins: ReadonlyMap<string, ProxyPluginConfig>;
  /** Tables of plugins by their URI in the newest version's terms. */
  readonly plugins: ReadonlyMap<string, Table>;
  /** Keys that the command line knows, too. */
  readonly snapshotter?: string;
  readonly runtime?: string;
  readonly shimGrouping?: "container" | "namespace";
  /** Directories of `HOST/hosts.toml`. */
  readonly registryDirs?: readonly string[];
}

/** What is in force where there is no file. */
export const EMPTY_CONFIG: DaemonConfig = {
  files: [],
  grpc: {},
  ttrpc: {},
  debug: {},
  oomScore: 0,
  disabledPlugins: new Set(),
  requiredPlugins: new Set(),
  proxyPlugins: new Map(),
  plugins: new Map(),
};
