/**
 * The files of a containerd bundle that outlive the shim, so that `delete` can
 * finish what a killed one left, and say how the container ended if that was
 * seen.
 */

import type { ExitStatus } from "../core/task.ts";
import { writeWhole } from "../sys/write_whole.ts";
import { DEFAULT_RUNC_OPTIONS, type RuncOptions } from "./options.ts";

const OPTIONS = "options.json";
const EXIT = "exit.json";
/** Written by containerd's own shims, too. */
const INIT_PID = "init.pid";
const ADDRESS = "address";
/** For their owner only. */
const OWN = 0o600;

/** A bundle without it has been deleted, or is about to be. */
export function configFile(bundle: string): string {
  return `${bundle}/config.json`;
}

export function initPidFile(bundle: string): string {
  return `${bundle}/${INIT_PID}`;
}

/** Undefined if the container was never created. */
export function readInitPid(bundle: string): number | undefined {
  const text = readIfThere(initPidFile(bundle));
  const pid = Number(text);
  return Number.isInteger(pid) && pid > 0 ? pid : undefined;
}

export function writeOptions(bundle: string, options: RuncOptions): void {
  writeWhole(`${bundle}/${OPTIONS}`, JSON.stringify(options), OWN);
}

/** The defaults if they have not been written. */
export function readOptions(bundle: string): RuncOptions {
  const text = readIfThere(`${bundle}/${OPTIONS}`);
  if (text === undefined) return DEFAULT_RUNC_OPTIONS;
  return { ...DEFAULT_RUNC_OPTIONS, ...JSON.parse(text) };
}

interface ExitRecord {
  readonly exitCode: number;
  /** RFC 3339 */
  readonly exitedAt: string;
}

export function writeExit(bundle: string, exit: ExitStatus): void {
  const record: ExitRecord = {
    exitCode: exit.exitCode,
    exitedAt: exit.exitedAt.toISOString(),
  };
  writeWhole(`${bundle}/${EXIT}`, JSON.stringify(record), OWN);
}

/** Undefined if nobody has seen the container's end. */
export function readExit(bundle: string): ExitStatus | undefined {
  const text = readIfThere(`${bundle}/${EXIT}`);
  if (text === undefined) return undefined;
  const { exitCode, exitedAt } = JSON.parse(text) as ExitRecord;
  return { exitCode, exitedAt: new Date(exitedAt) };
}

/** Where containerd before 1.7 finds the shim again. */
export function writeAddress(bundle: string, address: string): void {
  writeWhole(`${bundle}/${ADDRESS}`, address, OWN);
}

export function readAddress(bundle: string): string | undefined {
  return readIfThere(`${bundle}/${ADDRESS}`);
}

function readIfThere(path: string): string | undefined {
  try {
    return Deno.readTextFileSync(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}
