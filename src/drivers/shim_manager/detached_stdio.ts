/** Where a process writes whose command has left: to a program that logs. */

import type { LogSettings } from "../../core/container_settings.ts";
import type { StdioAddresses } from "../../core/shim.ts";

/**
 * @param logCommand what reads standard output from descriptor 3, standard
 * error from 4, and closes 5 when it is ready
 * @param stdin path of a FIFO; none if empty
 */
export function detachedStdio(
  log: LogSettings,
  kind: "terminal" | "streams",
  logCommand: readonly string[],
  stdin = "",
): StdioAddresses {
  const address = log.driver === "none"
    ? ""
    : log.driver.startsWith("binary://")
    ? log.driver
    : loggerAddress(logCommand);
  const terminal = kind === "terminal";
  return {
    stdin,
    stdout: address,
    // A terminal has one stream for both.
    stderr: terminal ? "" : address,
    terminal,
  };
}

/**
 * Shims pass on the parameters of an address in any order, so there is one
 * only: a shell's.
 */
function loggerAddress(command: readonly string[]): string {
  const script = `exec ${command.map(quote).join(" ")}`;
  return `binary:///bin/sh?-c=${encodeURIComponent(script)}`;
}

function quote(word: string): string {
  return `'${word.replaceAll("'", `'\\''`)}'`;
}
