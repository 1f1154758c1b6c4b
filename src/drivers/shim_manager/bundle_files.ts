/**
 * What is kept in a bundle so that any later process finds the shim, as
 * containerd keeps it: `bootstrap.json`, `shim-binary-path`; and `address`,
 * which shims write themselves.
 */

import { writeWhole } from "../../sys/write_whole.ts";
import type { ShimEndpoint } from "./wire.ts";

const BOOTSTRAP = "bootstrap.json";
const BINARY_PATH = "shim-binary-path";

/**
 * What the shim says. A daemon makes a FIFO and reads it, as containerd does.
 */
export const LOG = "log";

export function writeEndpoint(bundle: string, endpoint: ShimEndpoint): void {
  const text = JSON.stringify({ ...endpoint, protocol: "ttrpc" });
  writeWhole(`${bundle}/${BOOTSTRAP}`, text);
}

/** Undefined if no shim has been started for it. */
export function readEndpoint(bundle: string): ShimEndpoint | undefined {
  const text = readIfThere(`${bundle}/${BOOTSTRAP}`);
  if (text !== undefined) return JSON.parse(text);
  // Its starter was killed before it could write down what it was told.
  const address = readIfThere(`${bundle}/address`);
  return address === undefined || address === ""
    ? undefined
    : { address: address.trim(), version: 2 };
}

export function writeShimPath(bundle: string, path: string): void {
  writeWhole(`${bundle}/${BINARY_PATH}`, path);
}

function readShimPath(bundle: string): string | undefined {
  return readIfThere(`${bundle}/${BINARY_PATH}`);
}

const COMMAND = "shim-command.json";

/** How to call the shim's program, where its path alone does not say. */
export interface ShimProgram {
  /** Absolute path. */
  readonly program: string;
  /** What it wants before its flags. */
  readonly programArgs: readonly string[];
}

export function writeShimCommand(bundle: string, shim: ShimProgram): void {
  writeWhole(`${bundle}/${COMMAND}`, JSON.stringify(shim));
}

/** Undefined if no shim has been started for it. */
export function readShimProgram(bundle: string): ShimProgram | undefined {
  const text = readIfThere(`${bundle}/${COMMAND}`);
  if (text !== undefined) return JSON.parse(text);
  const program = readShimPath(bundle);
  return program === undefined ? undefined : { program, programArgs: [] };
}

/**
 * Shims only write it if it is there. Without a daemon it is a plain file:
 * nobody has to empty that.
 */
export function makeLog(bundle: string): void {
  try {
    const options = { write: true, createNew: true };
    Deno.openSync(`${bundle}/${LOG}`, options).close();
  } catch (error) {
    if (!(error instanceof Deno.errors.AlreadyExists)) throw error;
  }
}

/** Some shims do so themselves. */
export function writeShimPid(bundle: string, pid: number): void {
  writeWhole(`${bundle}/shim.pid`, String(pid));
}

/** The shim's process, if anybody has written it down. */
export function readShimPid(bundle: string): number | undefined {
  const pid = Number(readIfThere(`${bundle}/shim.pid`));
  return Number.isInteger(pid) && pid > 0 ? pid : undefined;
}

function readIfThere(path: string): string | undefined {
  try {
    return Deno.readTextFileSync(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}
