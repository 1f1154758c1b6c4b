/** The socket of the daemon: whose it is, and whether it is free. */

import {
  EngineError,
  failedPrecondition,
  invalidArgument,
} from "../../base/errors.ts";
import { withoutScheme } from "../socket_address.ts";
import type { SocketConfig } from "./config/daemon_config.ts";

/** Of a socket's path; the kernel allows no more. */
const MOST_BYTES = 107;

/** Whose members may use the socket; nobody else but its owner. */
export const SOCKET_MODE = 0o660;
/** Where there is only one user. */
export const OWN_SOCKET_MODE = 0o600;

/**
 * @param address as a user has written it: an absolute path, or `unix://` and
 * one
 * @param how to write another: `with --address`
 * @returns the path
 * @throws {EngineError} `invalidArgument` for an address of another kind
 */
export function parseAddress(address: string, how: string): string {
  const path = withoutScheme(address);
  if (path.startsWith("/")) return path;
  throw notAbsolute(address, how);
}

function notAbsolute(address: string, how: string): EngineError {
  return invalidArgument(
    `Cannot listen on "${address}": not an absolute path`,
    { hint: `Name an absolute path ${how}` },
  );
}

/**
 * Makes room for a socket: its directory is made, and what a killed daemon
 * has left is removed.
 *
 * @throws {EngineError} `failedPrecondition` if somebody listens there, or if
 * it is no socket; `invalidArgument` for a path that none can have
 */
export async function clearSocket(path: string): Promise<void> {
  checkPath(path);
  const info = findFile(path);
  if (info === undefined) return;
  if (info.isSocket !== true) {
    throw failedPrecondition(`Cannot listen on "${path}": it is no socket`, {
      hint: "Remove it, or name another one with --address",
    });
  }
  if (await answers(path)) throw inUse(path);
  await Deno.remove(path);
}

/**
 * Makes the directory of a file, and looks whether the file is there.
 * Synchronous: what a thread does for it takes longer than the work.
 */
function findFile(path: string): Deno.FileInfo | undefined {
  const directory = path.slice(0, path.lastIndexOf("/")) || "/";
  Deno.mkdirSync(directory, { recursive: true, mode: 0o711 });
  try {
    return Deno.lstatSync(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}

/**
 * Listens at a path. Who connects waits until somebody accepts. Closing it
 * removes the socket.
 *
 * @param mode of the socket from the beginning on
 * @throws {EngineError} as `clearSocket()`
 */
export async function listenAt(
  path: string,
  mode: number,
): Promise<Deno.UnixListener> {
  checkPath(path);
  // Most daemons find their directory, and no socket: no need to look first.
  const listener = listenIfFree(path, mode);
  if (listener !== undefined) return listener;
  await clearSocket(path);
  const second = listenIfFree(path, mode);
  if (second === undefined) throw inUse(path);
  return second;
}

/** @returns undefined if something is there, or if its directory is not */
function listenIfFree(
  path: string,
  mode: number,
): Deno.UnixListener | undefined {
  // Of the whole process, which does nothing else yet.
  const before = Deno.umask(0o777 & ~mode);
  try {
    return Deno.listen({ transport: "unix", path });
  } catch (error) {
    if (error instanceof Deno.errors.AddrInUse) return undefined;
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw cannotListen(path, error);
  } finally {
    Deno.umask(before);
  }
}

function cannotListen(path: string, cause: unknown): EngineError {
  const { message } = EngineError.from(cause);
  return failedPrecondition(`Cannot listen on "${path}": ${message}`, {
    hint: "Name another socket with --address",
    cause,
  });
}

function inUse(path: string): EngineError {
  return failedPrecondition(
    `Cannot listen on "${path}": another daemon answers there`,
    { hint: "Stop that one, or name another socket with --address" },
  );
}

function checkPath(
  path: string,
  hint = "Name a shorter one with --address",
): void {
  if (!path.startsWith("/")) throw notAbsolute(path, "with --address");
  if (fits(path)) return;
  throw invalidArgument(
    `Cannot listen on "${path}": longer than ${MOST_BYTES} bytes`,
    { hint },
  );
}

async function answers(path: string): Promise<boolean> {
  try {
    const connection = await Deno.connect({ transport: "unix", path });
    connection.close();
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.ConnectionRefused) return false;
    if (error instanceof Deno.errors.NotFound) return false;
    throw cannotListen(path, error);
  }
}

/**
 * Gives the socket to its owner and group.
 * @param own the daemon's own directory, which is made passable for the group
 * if the socket is in it
 */
export function giveSocket(
  path: string,
  { uid = 0, gid = 0 }: SocketConfig,
  own: string,
): void {
  if (uid === 0 && gid === 0) return;
  Deno.chownSync(path, uid, gid);
  if (path.slice(0, path.lastIndexOf("/")) !== own) return;
  Deno.chownSync(own, null, gid);
  Deno.chmodSync(own, 0o710);
}

/**
 * Gives a socket that is for its owner only to others, if the configuration
 * names any.
 * @param own as of `giveSocket()`
 */
export function lendSocket(
  path: string,
  { uid = 0, gid = 0 }: SocketConfig,
  own: string,
): void {
  if (uid === 0 && gid === 0) return;
  Deno.chownSync(path, uid, gid);
  if (gid !== 0) Deno.chmodSync(path, SOCKET_MODE);
  // The group that `giveSocket()` lets pass may be another one.
  if (path.slice(0, path.lastIndexOf("/")) === own) Deno.chmodSync(own, 0o711);
}

interface Sockets {
  /** Of the API. */
  readonly address: string;
  readonly daemon: { readonly ttrpc: SocketConfig };
}

/** Where shims tell what happens. */
export function eventsAddressOf({ address, daemon }: Sockets): string {
  return daemon.ttrpc.address ?? `${address}.ttrpc`;
}

/**
 * Without the shims' socket there would be no tasks: better no daemon than half
 * a one.
 * @throws {EngineError} `invalidArgument` for a path that none can have
 */
export function checkAddresses(sockets: Sockets): void {
  checkPath(sockets.address);
  checkPath(
    eventsAddressOf(sockets),
    "Shims tell there what happens: name a shorter one with --address, or " +
      "one for them with `address` in `[ttrpc]`",
  );
}

function fits(path: string): boolean {
  return new TextEncoder().encode(path).length <= MOST_BYTES;
}
