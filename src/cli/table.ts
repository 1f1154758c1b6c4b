/**
 * The command table. Names, flags and meanings are docker's, so that hands
 * and scripts need not learn anything.
 */

import type { CommandEntry, CommandSpec } from "./command.ts";
import * as container from "./table_container.ts";
import { DAEMON, INSTALL_SERVICE, PLUGINS } from "./table_daemon.ts";
import { DEBUG } from "./table_debug.ts";
import { FILES } from "./table_files.ts";
import * as image from "./table_image.ts";
import * as life from "./table_lifecycle.ts";
import { PROCESS } from "./table_process.ts";
import * as system from "./table_system.ts";
import { VOLUME } from "./table_volume.ts";

/** A short form, `images`, under its long name, `image ls`. */
function under(
  spec: CommandSpec,
  name: string,
  ...aliases: readonly string[]
): CommandSpec {
  const { aliases: _, ...rest } = spec;
  return { ...rest, name, ...aliases.length === 0 ? {} : { aliases } };
}

export const COMMANDS: readonly CommandEntry[] = [
  container.RUN,
  container.PS,
  container.RM,
  ...life.LIFECYCLE,
  ...PROCESS,
  ...FILES,
  container.INSPECT,
  image.IMAGES,
  image.PULL,
  image.PUSH,
  image.TAG,
  image.RMI,
  image.HISTORY,
  image.SAVE,
  image.LOAD,
  image.IMPORT,
  system.LOGIN,
  system.LOGOUT,
  system.INFO,
  system.EVENTS,
  system.FSCK,
  system.DOCTOR,
  DAEMON,
  INSTALL_SERVICE,
  system.VERSION,
  system.COMPLETION,
  system.HELP,
  system.COMPLETE,
  life.PUBLISH,
  PLUGINS,
  {
    name: "image",
    summary: "Manage images",
    commands: [
      under(image.IMAGES, "ls", "list"),
      image.PULL,
      image.PUSH,
      image.TAG,
      under(image.RMI, "rm", "remove"),
      image.IMAGE_INSPECT,
      image.HISTORY,
      image.SAVE,
      image.LOAD,
      image.IMPORT,
      image.PRUNE,
    ],
  },
  {
    name: "container",
    summary: "Manage containers",
    commands: [
      container.RUN,
      under(container.PS, "ls", "list", "ps"),
      under(container.RM, "rm", "remove"),
      ...life.LIFECYCLE,
      ...PROCESS,
      ...FILES,
      container.CONTAINER_INSPECT,
      life.CONTAINER_PRUNE,
    ],
  },
  VOLUME,
  {
    name: "system",
    summary: "Manage the store",
    commands: [
      system.DF,
      system.PRUNE,
      system.INFO,
      system.EVENTS,
      system.FSCK,
      system.GC,
      life.SYSTEM_START,
      life.SYSTEM_RECONCILE,
      life.SYSTEM_KEEP_STREAMS,
      life.SYSTEM_RESTART_ENDED,
    ],
  },
  DEBUG,
];
