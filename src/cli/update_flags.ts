import type { FlagSpec } from "./command.ts";
import { CREATE_FLAGS } from "./run_flags.ts";

const NAMES: readonly string[] = [
  "cpu-period",
  "cpu-quota",
  "cpu-shares",
  "cpus",
  "cpuset-cpus",
  "cpuset-mems",
  "memory",
  "memory-reservation",
  "memory-swap",
  "pids-limit",
  "restart",
];

/** What of a container can be changed while it runs. */
export const UPDATE_FLAGS: readonly FlagSpec[] = CREATE_FLAGS.filter(
  ({ name }) => NAMES.includes(name),
);
