/** Commands on images. */

import type { CommandSpec, FlagSpec } from "./command.ts";
import {
  FILTER,
  FORCE,
  FORMAT,
  NO_TRUNC,
  PLATFORM,
  PRUNE_FILTER,
  QUIET,
  TEMPLATE,
} from "./table_flags.ts";

const ALL_PLATFORMS: FlagSpec = {
  name: "all-platforms",
  kind: "boolean",
  help: "Every platform of the image, not only this machine's",
};

const REGISTRY_FLAGS: readonly FlagSpec[] = [
  {
    name: "plain-http",
    kind: "boolean",
    help: "Talk to the registry without TLS",
  },
  {
    name: "insecure",
    kind: "boolean",
    help: "Accept any certificate of the registry",
  },
];

export const IMAGES: CommandSpec = {
  name: "images",
  summary: "List images",
  usage: "[REPOSITORY[:TAG]]",
  args: { min: 0, max: 1 },
  completion: "image",
  flags: [
    {
      name: "all",
      short: "a",
      kind: "boolean",
      help: "Show all images (there are no hidden ones)",
    },
    {
      name: "digests",
      kind: "boolean",
      help: "Show the digest of what a registry would serve",
    },
    FILTER,
    FORMAT,
    NO_TRUNC,
    QUIET,
  ],
  load: () => import("./commands/images.ts"),
};

export const PULL: CommandSpec = {
  name: "pull",
  summary: "Download an image from a registry",
  usage: "NAME[:TAG|@DIGEST]",
  args: { min: 1, max: 1 },
  flags: [
    PLATFORM,
    ALL_PLATFORMS,
    {
      name: "quiet",
      short: "q",
      kind: "boolean",
      help: "Show only the digest",
    },
    ...REGISTRY_FLAGS,
  ],
  examples: [
    { line: "coracle pull alpine" },
    { line: "coracle pull --platform linux/arm64 alpine:3.22" },
  ],
  load: () => import("./commands/pull.ts"),
};

export const PUSH: CommandSpec = {
  name: "push",
  summary: "Upload an image to a registry",
  usage: "NAME[:TAG]",
  args: { min: 1, max: 1 },
  completion: "image",
  flags: [
    PLATFORM,
    ALL_PLATFORMS,
    {
      name: "quiet",
      short: "q",
      kind: "boolean",
      help: "Show only the digest",
    },
    ...REGISTRY_FLAGS,
  ],
  load: () => import("./commands/push.ts"),
};

export const TAG: CommandSpec = {
  name: "tag",
  summary: "Give an image a further name",
  usage: "SOURCE_IMAGE[:TAG] TARGET_IMAGE[:TAG]",
  args: { min: 2, max: 2 },
  completion: "image",
  load: () => import("./commands/tag.ts"),
};

export const RMI: CommandSpec = {
  name: "rmi",
  summary: "Remove one or more images",
  usage: "IMAGE [IMAGE...]",
  args: { min: 1 },
  completion: "image",
  flags: [
    {
      ...FORCE,
      help: "Remove also what stopped containers use, or many names",
    },
    {
      name: "no-prune",
      kind: "boolean",
      help: "Leave the layers to a later collection",
    },
    {
      ...PLATFORM,
      kind: "list",
      help: "Remove only what it has for OS/ARCHITECTURE[/VARIANT]",
    },
  ],
  load: () => import("./commands/rmi.ts"),
};

export const IMAGE_INSPECT: CommandSpec = {
  name: "inspect",
  summary: "Show all there is to know about images, as JSON",
  usage: "IMAGE [IMAGE...]",
  args: { min: 1 },
  completion: "image",
  flags: [TEMPLATE, PLATFORM],
  load: () => import("./commands/image_inspect.ts"),
};

export const HISTORY: CommandSpec = {
  name: "history",
  summary: "Show how an image came about",
  usage: "IMAGE",
  args: { min: 1, max: 1 },
  completion: "image",
  flags: [
    FORMAT,
    {
      name: "human",
      short: "H",
      kind: "boolean",
      default: true,
      help: "Show sizes and dates for people",
    },
    NO_TRUNC,
    PLATFORM,
    QUIET,
  ],
  load: () => import("./commands/history.ts"),
};

export const SAVE: CommandSpec = {
  name: "save",
  summary: "Write images to an archive",
  usage: "IMAGE [IMAGE...]",
  args: { min: 1 },
  completion: "image",
  loadFlags: async () => (await import("./archive_flags.ts")).SAVE_FLAGS,
  examples: [
    { line: "coracle save alpine | gzip > alpine.tar.gz" },
    { line: "coracle save --format oci-dir -o layout alpine busybox" },
  ],
  load: () => import("./commands/save.ts"),
};

export const LOAD: CommandSpec = {
  name: "load",
  summary: "Read images from an archive",
  args: { min: 0, max: 0 },
  flags: [PLATFORM],
  loadFlags: async () => (await import("./archive_flags.ts")).LOAD_FLAGS,
  load: () => import("./commands/load.ts"),
};

export const IMPORT: CommandSpec = {
  name: "import",
  summary: "Make an image of one layer from a root file system",
  usage: "FILE|DIRECTORY|URL|- [REPOSITORY[:TAG]]",
  args: { min: 1, max: 2 },
  completion: "file",
  flags: [PLATFORM],
  loadFlags: async () => (await import("./archive_flags.ts")).IMPORT_FLAGS,
  examples: [
    {
      line: `coracle import -c 'CMD ["sh"]' rootfs.tar.gz local/base:1`,
    },
    { line: "tar -C rootfs -c . | coracle import - local/base:1" },
  ],
  load: () => import("./commands/import.ts"),
};

export const PRUNE: CommandSpec = {
  name: "prune",
  summary: "Remove images that nothing uses",
  args: { min: 0, max: 0 },
  flags: [
    {
      name: "all",
      short: "a",
      kind: "boolean",
      help: "Remove all images that no container uses, not only nameless ones",
    },
    PRUNE_FILTER,
    { ...FORCE, help: "Don't ask" },
  ],
  load: () => import("./commands/image_prune.ts"),
};
