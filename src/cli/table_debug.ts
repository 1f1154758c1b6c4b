/** Commands that look into a running daemon. */

import type { CommandGroup, FlagSpec } from "./command.ts";

const SOCKET: FlagSpec = {
  name: "socket",
  kind: "string",
  value: "path",
  completion: "file",
  help:
    "The daemon's debug socket; of --address, or in the state directory, if absent",
};

const OUTPUT: FlagSpec = {
  name: "output",
  short: "o",
  kind: "string",
  value: "file",
  completion: "file",
  help: "Write to a file of this name; - is standard output",
};

export const DEBUG: CommandGroup = {
  name: "debug",
  summary: "Look into the running daemon",
  commands: [
    {
      name: "stack",
      summary: "Show what the daemon is doing: calls, tasks, memory",
      args: { min: 0, max: 0 },
      flags: [SOCKET],
      examples: [{
        line: "coracle -a /run/containerd/containerd.sock debug stack",
        note: "Of containerd: its goroutines, if [debug] address in its " +
          "configuration names a socket",
      }],
      load: () => import("./commands/debug_stack.ts"),
    },
    {
      name: "info",
      summary: "Show the same as JSON",
      args: { min: 0, max: 0 },
      flags: [SOCKET],
      examples: [{
        line: "coracle -a /run/containerd/containerd.sock debug info",
        note: "Of containerd: its command line and figures of its memory",
      }],
      load: () => import("./commands/debug_info.ts"),
    },
    {
      name: "profile",
      summary: "Record where the daemon spends its time",
      args: { min: 0, max: 0 },
      flags: [SOCKET, OUTPUT, {
        name: "seconds",
        kind: "number",
        shape: "decimal",
        default: 30,
        help: "How long to record",
      }],
      examples: [{
        line: "coracle debug profile --seconds 10 -o daemon.cpuprofile",
        note: "Open it in Chrome's developer tools, under Performance",
      }, {
        line:
          "coracle -a /run/containerd/containerd.sock debug profile -o cpu.pprof",
        note: "Of containerd: open it with go tool pprof",
      }],
      load: () => import("./commands/debug_profile.ts"),
    },
    {
      name: "heap",
      summary: "Record what the daemon has in memory; there may be secrets",
      args: { min: 0, max: 0 },
      flags: [SOCKET, OUTPUT],
      examples: [{
        line: "coracle debug heap -o daemon.heapsnapshot",
        note: "Open it in Chrome's developer tools, under Memory",
      }, {
        line:
          "coracle -a /run/containerd/containerd.sock debug heap -o heap.pprof",
        note: "Of containerd: open it with go tool pprof",
      }],
      load: () => import("./commands/debug_heap.ts"),
    },
  ],
};
