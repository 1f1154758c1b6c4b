/** Commands on the files of containers: cp, diff, commit, export. */

import type { CommandSpec } from "./command.ts";

export const CP: CommandSpec = {
  name: "cp",
  summary: "Copy files between a container and this machine",
  usage: "CONTAINER:PATH PATH|- | PATH|- CONTAINER:PATH",
  args: { min: 2, max: 2 },
  completion: "file",
  flags: [
    {
      name: "archive",
      short: "a",
      kind: "boolean",
      help: "Keep the owners of the files",
    },
    {
      name: "follow-link",
      short: "L",
      kind: "boolean",
      help: "Copy what a symbolic link points at, not the link",
    },
    {
      name: "quiet",
      short: "q",
      kind: "boolean",
      help: "Don't say what was copied",
    },
  ],
  examples: [
    { line: "coracle cp web:/var/log/app.log ." },
    { line: "coracle cp site/. web:/srv/www" },
    { line: "tar -c site | coracle cp - web:/srv" },
  ],
  load: () => import("./commands/cp.ts"),
};

export const DIFF: CommandSpec = {
  name: "diff",
  summary: "Show which files a container added, changed and deleted",
  usage: "CONTAINER",
  args: { min: 1, max: 1 },
  completion: "container",
  load: () => import("./commands/diff.ts"),
};

export const COMMIT: CommandSpec = {
  name: "commit",
  summary: "Make an image of what a container has become",
  usage: "CONTAINER [REPOSITORY[:TAG]]",
  args: { min: 1, max: 2 },
  completion: "container",
  flags: [
    {
      name: "author",
      short: "a",
      kind: "string",
      help: "Say who made it: 'Jane Roe <jane@example.com>'",
    },
    {
      name: "change",
      short: "c",
      kind: "list",
      help: "Apply a Dockerfile instruction: CMD, ENTRYPOINT, ENV, WORKDIR, …",
    },
    {
      name: "message",
      short: "m",
      kind: "string",
      help: "Say in the image's history what was done",
    },
    {
      name: "pause",
      short: "p",
      kind: "boolean",
      default: true,
      help: "Halt the container meanwhile",
    },
  ],
  load: () => import("./commands/commit.ts"),
};

export const EXPORT: CommandSpec = {
  name: "export",
  summary: "Write the root file system of a container to a tar",
  usage: "CONTAINER",
  args: { min: 1, max: 1 },
  completion: "container",
  flags: [{
    name: "output",
    short: "o",
    kind: "string",
    value: "file",
    completion: "file",
    help: "Write to a file instead of standard output",
  }],
  load: () => import("./commands/export.ts"),
};

export const FILES: readonly CommandSpec[] = [CP, DIFF, COMMIT, EXPORT];
