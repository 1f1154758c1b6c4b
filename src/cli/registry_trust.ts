import { invalidArgument } from "../base/errors.ts";
import type { RegistryTrust } from "../core/registry.ts";
import type { Flags } from "./command.ts";

/** How far a registry is trusted: `--plain-http`, `--insecure`. */
export function registryTrust(flags: Flags): RegistryTrust {
  const plain = flags.boolean("plain-http");
  const insecure = flags.boolean("insecure");
  if (plain && insecure) {
    throw invalidArgument("Cannot use --plain-http and --insecure at once");
  }
  return plain ? "plainHttp" : insecure ? "skipVerify" : "verify";
}
