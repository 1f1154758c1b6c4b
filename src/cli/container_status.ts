import type { ContainerStatus } from "../engine/inspect_state.ts";
import { humanAge, humanDuration } from "./format/human.ts";

/** What a container is doing, in docker's words. */
export function statusText(
  { state, task }: ContainerStatus,
  now: Date,
): string {
  const code = task.exit?.exitCode ?? 0;
  switch (state) {
    case "created":
      return "Created";
    case "running":
      return `Up${since(task.startedAt, now)}${health(task.health?.status)}`;
    case "paused":
      return `Up${since(task.startedAt, now)} (Paused)`;
    case "restarting":
      return `Restarting (${code}) ${ago(task.exit?.exitedAt, now)}`;
    case "exited":
      return `Exited (${code}) ${ago(task.exit?.exitedAt, now)}`;
    default:
      return state satisfies never;
  }
}

/** Empty where nobody knows. */
function since(time: string | undefined, now: Date): string {
  return time === undefined
    ? ""
    : ` ${humanDuration(now.getTime() - new Date(time).getTime())}`;
}

function ago(time: string | undefined, now: Date): string {
  return humanAge(time === undefined ? undefined : new Date(time), now);
}

function health(status: string | undefined): string {
  if (status === undefined) return "";
  return status === "starting" ? " (health: starting)" : ` (${status})`;
}
