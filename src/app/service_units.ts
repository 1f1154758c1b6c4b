/** The daemon as a service of systemd: its unit files. */

import type { ServiceFlags } from "./service_flags.ts";

export interface ServiceUnit {
  readonly name: string;
  readonly text: string;
}

export interface UnitOptions {
  /** `user`: one user's daemon, rootless, started at login. */
  readonly scope: "system" | "user";
  /** This program, by its absolute path, and what comes before its flags. */
  readonly program: readonly string[];
  /** With which both programs of the service are to be called. */
  readonly flags: ServiceFlags;
}

const MARK = "# Written by coracle install-service";
const COMMENT = `${MARK}, which replaces it.\n` +
  '# What "systemctl edit" makes stays.\n';

/**
 * The service, and the socket that starts it when somebody first asks.
 * @see systemd.service(5), systemd.socket(5)
 */
export function serviceUnits(options: UnitOptions): readonly ServiceUnit[] {
  return [
    { name: "coracle.service", text: serviceText(options) },
    { name: "coracle.socket", text: socketText(options) },
  ];
}

/** True of a file that is not somebody else's. */
export function isOurUnit(text: string): boolean {
  return text.startsWith(MARK);
}

/** Directory in which an administrator's, or the user's, units are. */
export function unitDirectory(
  scope: UnitOptions["scope"],
  configHome: string,
): string {
  return scope === "system"
    ? "/etc/systemd/system"
    : `${configHome}/systemd/user`;
}

/** What is left to type. */
export function enableCommands(
  scope: UnitOptions["scope"],
): readonly string[] {
  return scope === "system"
    ? [
      "systemctl daemon-reload",
      "systemctl enable --now coracle.socket coracle.service",
    ]
    : [
      "systemctl --user daemon-reload",
      "systemctl --user enable --now coracle.socket coracle.service",
      'loginctl enable-linger "$USER"   # to keep it running without a login',
    ];
}

function serviceText({ scope, program, flags }: UnitOptions): string {
  const isSystem = scope === "system";
  // What it starts is the store's own business, not the socket's.
  const { address, ...common } = flags;
  const socket = address === undefined ? [] : ["--address", address];
  const daemon = [...program, "daemon", ...words(common), ...socket];
  const start = [...program, ...words(common), "system", "start"];
  return `${COMMENT}[Unit]
Description=Coracle container engine
Documentation=man:systemd.service(5)
${
    isSystem
      ? "After=network.target local-fs.target\n"
      : ""
  }Requires=coracle.socket
After=coracle.socket

[Service]
Type=notify
ExecStart=${daemon.map(quoted).join(" ")}
# What a reboot has ended, and its restart policy wants to run.
ExecStartPost=-${start.map(quoted).join(" ")}
ExecReload=/bin/kill -HUP $MAINPID
Restart=always
RestartSec=5
# Containers outlive the daemon: their shims are not to be ended with it.
KillMode=process
# It makes cgroups of its own below this one.
Delegate=yes
TasksMax=infinity
LimitNOFILE=infinity
LimitCORE=infinity
${isSystem ? "OOMScoreAdjust=-999\nLimitNPROC=infinity\n" : ""}
[Install]
WantedBy=${isSystem ? "multi-user.target" : "default.target"}
Also=coracle.socket
`;
}

/** As both programs read them. */
function words(
  { root, state, logLevel, logFormat }: Omit<ServiceFlags, "address">,
): readonly string[] {
  const values = {
    ...{ root, state },
    ...{ "log-level": logLevel, "log-format": logFormat },
  };
  return Object.entries(values).flatMap(([name, value]) =>
    value === undefined ? [] : [`--${name}`, value]
  );
}

function socketText({ scope, flags }: UnitOptions): string {
  const isSystem = scope === "system";
  return `${COMMENT}[Unit]
Description=Socket of the Coracle container engine

[Socket]
ListenStream=${listenAddress({ scope, flags })}
SocketMode=${isSystem ? "0660" : "0600"}
${
    isSystem
      ? "# A group whose members may use the daemon, which makes them root:\n" +
        "#SocketGroup=coracle\n#DirectoryMode=0711\n"
      : ""
  }

[Install]
WantedBy=sockets.target
`;
}

/** Where the daemon would serve without systemd. */
function listenAddress(
  { scope, flags: { address, state } }: Pick<UnitOptions, "scope" | "flags">,
): string {
  const named = address ??
    (state === undefined ? undefined : `${state}/coracle.sock`);
  if (named !== undefined) return escaped(named);
  return `${scope === "system" ? "/run" : "%t"}/coracle/coracle.sock`;
}

/** Not to be taken for specifiers. Nothing else is special in a value. */
function escaped(value: string): string {
  return value.replaceAll("%", "%%");
}

/** As systemd's command lines are read. */
function quoted(word: string): string {
  const text = escaped(word).replaceAll("\\", "\\\\")
    .replaceAll('"', '\\"').replaceAll("$", "$$$$");
  return /^[\w./%+-]+$/.test(text) ? text : `"${text}"`;
}
