/**
 * Who stays beside a detached container when its command has left: a logger.
 * It also sees to what is to be done at its end.
 */

import type { Context } from "../../base/context.ts";
import type { LogSettings } from "../../core/container_settings.ts";
import type { StartRequest } from "../../core/task.ts";
import type { StorePaths } from "../paths.ts";
import { selfCommand } from "../self.ts";
import type { RestartBy } from "./restarts.ts";

/** How a command of ours reaches the same daemon again. */
export interface RemoteAccess {
  /** Absolute path of its socket. */
  readonly address: string;
  /** Of the local store. */
  readonly paths: StorePaths;
  readonly snapshotter?: string;
}

/**
 * Stands for any driver: our own logger runs programs of the user's, too, so
 * that it can see to the rest.
 */
const OWN_LOGGER = { driver: "own", options: {} };

export interface RemoteLogger {
  readonly log: LogSettings;
  /** What runs it: `shim-log …`. */
  readonly command: readonly string[];
}

export interface LoggerPlace {
  /** Of the container. */
  readonly id: string;
  /** The bundle's directory. */
  readonly bundle: string;
  readonly restartBy: RestartBy;
}

/** Of a detached container. */
export function loggerOf(
  { namespace }: Context,
  access: RemoteAccess,
  { id, bundle, restartBy }: LoggerPlace,
  { logDirectory, settings }: StartRequest,
): RemoteLogger {
  const { log, removal, health } = settings;
  const options = Object.entries(log.options)
    .map(([name, value]) => `${name}=${value}`);
  // What a monitor restarts is not finished: the daemon has its task.
  const finish = restartBy === "monitor"
    ? []
    : ["--", ...accessCommand(access, namespace), "system", "reconcile", id];
  const command = [
    ...[...selfCommand(), "shim-log", "--bundle", bundle],
    ...health === undefined ? [] : ["--probe-by", access.address],
    ...[logDirectory, log.driver, ...options, ...finish],
  ];
  const isIdle = log.driver === "none" && removal === "keep" &&
    health === undefined;
  return { log: isIdle ? log : OWN_LOGGER, command };
}

/** This program, about the same namespace of the same daemon. */
export function accessCommand(
  { address, paths: { root, state }, snapshotter }: RemoteAccess,
  namespace: string,
): readonly string[] {
  return [
    ...[...selfCommand(), "--root", root, "--state", state],
    ...["--address", address, "--namespace", namespace],
    ...snapshotter === undefined ? [] : ["--snapshotter", snapshotter],
  ];
}
