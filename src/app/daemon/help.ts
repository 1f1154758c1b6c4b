/** What `--help` and `--version` of the daemon say. */

import { VERSION } from "../self.ts";
import { DAEMON_FLAGS, type ProgramName } from "./flags.ts";

/** As containerd says it: name, where it comes from, version. */
export function versionText(program: ProgramName): string {
  return `${program} coracle ${VERSION}\n`;
}

export function helpText(program: ProgramName): string {
  const called = program === "coracle" ? "coracle daemon" : program;
  const flags = [
    ...DAEMON_FLAGS.map(({ name, short, value, help }) =>
      [
        `${short === undefined ? "    " : `-${short}, `}--${name} ${value}`,
        help,
      ] as const
    ),
    ["-v, --version", "Show the version"],
    ["-h, --help", "Show this help"],
  ] as const;
  const width = Math.max(...flags.map(([flag]) => flag.length)) + 2;
  return `Usage: ${called} [FLAGS] [config default|dump|migrate]

Serve containerd's API on a unix socket, for ctr, docker, nerdctl, BuildKit.

Commands:
  config default  Write a configuration file with all keys, commented
  config dump     Write the configuration that is in force
  config migrate  Write the configuration file in the newest version

Flags:
${flags.map(([flag, help]) => `  ${flag.padEnd(width)}${help}`).join("\n")}

Signals: SIGTERM and SIGINT stop it, after open calls had 5 seconds (a second
one at once); SIGHUP reads the configuration again; SIGUSR1 notes its state in
the log. docs/configuration.md has all keys.
`;
}
