/**
 * Restart policies of containers that a daemon keeps: its monitor of restarts
 * heeds the containers' labels, whoever wrote them.
 *
 * Once the user has ended a container it is not monitored any more, so that
 * `unless-stopped` and `always` are the same here.
 * @see containerd, core/runtime/restart
 */

import type { RemotePolicies } from "../../api/remote/policies.ts";
import type { Context } from "../../base/context.ts";
import { hasCode } from "../../base/errors.ts";
import type { Container, ContainerStore } from "../../core/container.ts";
import type { RestartPolicy } from "../../core/container_settings.ts";
import type { Labels } from "../../core/labels.ts";
import { throughSocket } from "../../core/through_socket.ts";
import {
  RESTART_LABEL,
  restartCount,
  wantsRestart,
} from "../../engine/restart_policy.ts";

export interface RestartsDeps {
  readonly policies: RemotePolicies;
  readonly containers: () => ContainerStore;
  /** Of the daemon; undefined if there is none. */
  readonly monitor: (ctx: Context) => Promise<RestartMonitorFacts | undefined>;
}

/** What a daemon's monitor of restarts knows. */
export interface RestartMonitorFacts {
  /** Empty if it is of before they had names. */
  readonly policies: readonly string[];
  /** Of containers that have one, after a restart. */
  readonly terminals: "kept" | "lost";
}

/** What the monitor does about a task that has ended. */
export type NextRestart =
  | { readonly kind: "none" }
  | { readonly kind: "due"; readonly count: number };

/** Of the lives that a monitor begins. */
export interface LaterStreams {
  /** Empty: nowhere. */
  readonly logUri: string;
  /** Path of a FIFO, which monitors of others leave out; empty: none. */
  readonly stdin: string;
}

/** Before policies had names, that was the only one. */
const ALWAYS: readonly string[] = ["always", "unless-stopped"];

export class Restarts {
  readonly #deps: RestartsDeps;

  constructor(deps: RestartsDeps) {
    this.#deps = deps;
  }

  /**
   * @param streams of its later lives
   * @throws {ThroughSocketError} if the daemon does not know how
   */
  async check(
    ctx: Context,
    id: string,
    { kind }: RestartPolicy,
    { terminal, logUri }: {
      readonly terminal: boolean;
      readonly logUri: string;
    },
  ): Promise<void> {
    const what = `restart container "${id}" by policy "${kind}"`;
    const monitor = await this.#deps.monitor(ctx);
    if (monitor === undefined) {
      throw throughSocket(what, "This daemon has no monitor of restarts");
    }
    const { policies, terminals } = monitor;
    const known = policies.length === 0 ? ALWAYS : policies;
    if (!known.includes(kind)) {
      throw throughSocket(what, `This daemon knows ${known.join(", ")}`);
    }
    if (terminal && (terminals === "lost" || logUri === "")) {
      const hint = "It would get no terminal again: leave out -t";
      throw throughSocket(what, hint);
    }
  }

  /** From now on the daemon restarts it. */
  async watch(
    ctx: Context,
    id: string,
    policy: RestartPolicy,
    { logUri, stdin }: LaterStreams,
  ): Promise<void> {
    await this.#write(ctx, id, {
      [RESTART_LABEL.status]: "running",
      [RESTART_LABEL.policy]: policyText(policy),
      [RESTART_LABEL.logUri]: logUri,
      [RESTART_LABEL.stdin]: stdin,
      [RESTART_LABEL.explicitlyStopped]: "",
      [RESTART_LABEL.count]: "",
    });
  }

  /**
   * Tells who restarts it instead of the monitor: a keeper of ours.
   * @returns false if there is none
   */
  async tellKeeper(
    ctx: Context,
    id: string,
    wish: { readonly policy: RestartPolicy } | "stop",
  ): Promise<boolean> {
    const { policies } = this.#deps;
    return wish === "stop"
      ? await policies.retire(ctx, id)
      : await policies.set(ctx, id, policyText(wish.policy));
  }

  /** From now on the monitor restarts it no more. */
  async leave(
    ctx: Context,
    id: string,
    reason: "stopped" | "noPolicy",
  ): Promise<void> {
    const container = await this.#find(ctx, id);
    if (container?.labels[RESTART_LABEL.status] === undefined) return;
    await this.#write(ctx, id, {
      [RESTART_LABEL.status]: "",
      ...reason === "stopped"
        ? { [RESTART_LABEL.explicitlyStopped]: "true" }
        : { [RESTART_LABEL.policy]: "" },
    });
  }

  /** @param exitCode of the task that has ended; none if it has gone already */
  async next(
    ctx: Context,
    id: string,
    exitCode?: number,
  ): Promise<NextRestart> {
    const labels: Labels = (await this.#find(ctx, id))?.labels ?? {};
    if (labels[RESTART_LABEL.status] !== "running") return { kind: "none" };
    try {
      const isDue = exitCode === undefined || wantsRestart(labels, exitCode);
      const count = restartCount(labels);
      return isDue ? { kind: "due", count } : { kind: "none" };
    } catch (error) {
      // The monitor makes nothing of them, either.
      if (!hasCode(error, "invalidArgument")) throw error;
      return { kind: "none" };
    }
  }

  async #find(ctx: Context, id: string): Promise<Container | undefined> {
    try {
      return await this.#deps.containers().get(ctx, id);
    } catch (error) {
      if (hasCode(error, "notFound")) return undefined;
      throw error;
    }
  }

  /** An empty label is none. */
  async #write(
    ctx: Context,
    id: string,
    labels: Readonly<Record<string, string>>,
  ): Promise<void> {
    const paths = Object.keys(labels).map((name) => `labels.${name}`);
    await this.#deps.containers()
      .update(ctx, { id, runtime: { name: "" }, labels }, paths);
  }
}

function policyText(policy: RestartPolicy): string {
  return policy.kind === "on-failure" && policy.most > 0
    ? `${policy.kind}:${policy.most}`
    : policy.kind;
}
