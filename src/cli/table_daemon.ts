/** Commands about the daemon. */

import type { CommandGroup, CommandSpec } from "./command.ts";
import { FORMAT } from "./table_flags.ts";

/** As `coracle daemon` is another program, this is what comes before it. */
export const DAEMON: CommandSpec = {
  name: "daemon",
  summary: "Serve containerd's API on a socket",
  usage: "[config default|dump|migrate]",
  completion: ["config"],
  flags: [
    {
      name: "config",
      short: "c",
      kind: "string",
      value: "file",
      completion: "file",
      help: "Configuration file",
    },
  ],
  examples: [
    { line: "coracle daemon", note: "Then: ctr -a /run/coracle/coracle.sock" },
    { line: "coracle daemon config default > /etc/coracle/config.toml" },
  ],
  load: () => import("./commands/daemon.ts"),
};

export const INSTALL_SERVICE: CommandSpec = {
  name: "install-service",
  summary: "Make the daemon a service of systemd",
  args: { min: 0, max: 0 },
  flags: [
    {
      name: "user",
      kind: "boolean",
      help: "Your own daemon, without root",
    },
    { name: "print", kind: "boolean", help: "Show the units, write nothing" },
    {
      name: "directory",
      kind: "string",
      value: "dir",
      completion: "directory",
      help: "Where to write them, if not where systemd looks",
    },
  ],
  load: () => import("./commands/install_service.ts"),
};

export const PLUGINS: CommandGroup = {
  name: "plugins",
  summary: "Show what the running daemon is made of",
  commands: [
    {
      name: "ls",
      aliases: ["list"],
      summary: "List the plugins of the running daemon",
      usage: "[FILTER...]",
      completion: "none",
      flags: [
        {
          name: "detailed",
          short: "d",
          kind: "boolean",
          help: "Show all that there is to know of each",
        },
        { name: "quiet", short: "q", kind: "boolean", help: "Show ids only" },
        FORMAT,
      ],
      examples: [{ line: "coracle plugins ls type==io.containerd.grpc.v1" }],
      load: () => import("./commands/plugins_ls.ts"),
    },
  ],
};
