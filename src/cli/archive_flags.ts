/** Flags of commands that read and write images as archives. */

import type { FlagSpec } from "./command.ts";
import { PLATFORM } from "./table_flags.ts";

export const SAVE_FLAGS: readonly FlagSpec[] = [
  {
    ...PLATFORM,
    help: "Only OS/ARCHITECTURE[/VARIANT], instead of all that there are",
  },
  {
    name: "output",
    short: "o",
    kind: "string",
    value: "file",
    completion: "file",
    help: "Write to a file, or a directory, instead of standard output",
  },
  {
    name: "format",
    kind: "string",
    value: "format",
    choices: [
      "docker-archive",
      "oci-archive",
      "oci-dir",
      "docker-dir",
    ],
    default: "docker-archive",
    help:
      "docker-archive (also an OCI layout), oci-archive, oci-dir, docker-dir",
  },
  {
    name: "compress",
    kind: "boolean",
    help: "Compress with gzip; also by a file name that ends in gz",
  },
];

export const LOAD_FLAGS: readonly FlagSpec[] = [
  {
    name: "input",
    short: "i",
    kind: "string",
    value: "file",
    completion: "file",
    help: "Read a file, or a directory, instead of standard input",
  },
  { name: "quiet", short: "q", kind: "boolean", help: "Show no progress" },
];

export const IMPORT_FLAGS: readonly FlagSpec[] = [
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
    help: "Say in the image's history how it came about",
  },
  { name: "quiet", short: "q", kind: "boolean", help: "Show no progress" },
];
