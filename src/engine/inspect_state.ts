import type { Container } from "../core/container.ts";
import { CONTAINER_LABEL } from "./container_labels.ts";

/** What became of a container. */
export type ContainerState =
  | { readonly status: "running" }
  | {
    readonly status: "exited";
    readonly exitCode: number;
    readonly exitedAt?: Date;
  };

/**
 * From its record: whoever ran it writes down how it ended, or else the next
 * command that finds its bundle abandoned does.
 */
export function containerState({ labels }: Container): ContainerState {
  const exitCode = labels[CONTAINER_LABEL.exitCode];
  if (exitCode === undefined) return { status: "running" };
  const exitedAt = new Date(labels[CONTAINER_LABEL.exitedAt] ?? "");
  return {
    status: "exited",
    exitCode: Number(exitCode),
    ...Number.isNaN(exitedAt.getTime()) ? {} : { exitedAt },
  };
}
