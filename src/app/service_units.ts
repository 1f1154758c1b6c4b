/** The daemon as a service of systemd: its unit files. */

export interface ServiceUnit {
  readonly name: string;
  readonly text: string;
}

export interface UnitOptions {
  /** `user`: one user's daemon, rootless, started at login. */
  readonly scope: "system" | "user";
  /** This program, by its absolute path, and what comes before its flags. */
  readonly program: readonly string[];
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

function serviceText({ scope, program }: UnitOptions): string {
  const isSystem = scope === "system";
  const command = program.map(quoted).join(" ");
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
ExecStart=${command} daemon
# What a reboot has ended, and its restart policy wants to run.
ExecStartPost=-${command} system start
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

function socketText({ scope }: UnitOptions): string {
  const isSystem = scope === "system";
  return `${COMMENT}[Unit]
Description=Socket of the Coracle container engine

[Socket]
ListenStream=${isSystem ? "/run" : "%t"}/coracle/coracle.sock
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

/** As systemd's command lines are read. */
function quoted(path: string): string {
  const escaped = path.replaceAll("%", "%%").replaceAll("\\", "\\\\")
    .replaceAll('"', '\\"').replaceAll("$", "$$$$");
  return /^[\w./%+-]+$/.test(escaped) ? escaped : `"${escaped}"`;
}
