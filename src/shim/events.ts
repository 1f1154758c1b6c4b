/** What a shim tells the world, in domain types. */

import type { Mount } from "../core/mount.ts";
import type { StdioAddresses } from "../core/shim.ts";
import type { ExitStatus } from "../core/task.ts";

/**
 * Of one container they come in this order: create, start, exit, delete; the
 * exits of its further processes before its own.
 */
export type ShimEvent =
  & { readonly id: string }
  & (
    | {
      readonly kind: "create";
      readonly bundle: string;
      readonly rootfs: readonly Mount[];
      readonly stdio: StdioAddresses;
      readonly checkpoint: string;
      readonly pid: number;
    }
    | { readonly kind: "start"; readonly pid: number }
    | {
      readonly kind: "exit";
      /** Empty for the container's own process. */
      readonly execId: string;
      readonly pid: number;
      readonly exit: ExitStatus;
    }
    | {
      readonly kind: "delete";
      readonly pid: number;
      readonly exit: ExitStatus;
    }
    | { readonly kind: "execAdded"; readonly execId: string }
    | {
      readonly kind: "execStarted";
      readonly execId: string;
      readonly pid: number;
    }
    | { readonly kind: "paused" | "resumed" | "oom" }
    | { readonly kind: "checkpointed"; readonly path: string }
  );

/** Must not wait: who publishes keeps the order. */
export type PublishEvent = (event: ShimEvent) => void;
