/**
 * Restart policies of containers that a daemon keeps: its monitor of restarts
 * heeds the containers' labels, whoever wrote them. What it does not know how to
 * restart, commands of ours do.
 *
 * Once the user has ended a container it is not monitored any more, so that
 * `unless-stopped` and `always` are the same here.
 * @see containerd, core/runtime/restart
 */

import type { RemotePolicies } from "../../api/remote/policies.ts";
import type { Context } from "../../base/context.ts";
import { hasCode, unlessMissing } from "../../base/errors.ts";
import type { Container, ContainerStore } from "../../core/container.ts";
import {
  type RestartPolicy,
  settingsOf,
} from "../../core/container_settings.ts";
import type { Labels } from "../../core/labels.ts";
import { askedSharing } from "../../core/shared_paths.ts";
import {
  COMMAND_LABEL,
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

/**
 * Who restarts it: the daemon's monitor, or, where that does not know how, a
 * command that its logger has started. Only the monitor lives after a reboot.
 */
export type RestartBy = "monitor" | "command" | "nobody";

/** What becomes of a task that has ended. */
export type NextRestart =
  | { readonly kind: "none" }
  | {
    readonly kind: "due";
    readonly count: number;
    readonly by: Exclude<RestartBy, "nobody">;
  };

export interface Watching {
  readonly by: Exclude<RestartBy, "nobody">;
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
   * Who will restart a container so, with such streams. No monitor looks where
   * another one's processes are now that it joins, or mounts memory for others.
   */
  async by(
    ctx: Context,
    id: string,
    { kind }: RestartPolicy,
    { terminal, log }: {
      readonly terminal: boolean;
      readonly log: "none" | "some";
    },
  ): Promise<RestartBy> {
    if (kind === "no") return "nobody";
    const monitor = await this.#deps.monitor(ctx);
    if (monitor === undefined) return "command";
    const { policies, terminals } = monitor;
    const known = policies.length === 0 ? ALWAYS : policies;
    if (await this.#shares(ctx, id)) return "command";
    const losesTerminal = terminal && (terminals === "lost" || log === "none");
    return known.includes(kind) && !losesTerminal ? "monitor" : "command";
  }

  /** From now on it is restarted. */
  async watch(
    ctx: Context,
    id: string,
    policy: RestartPolicy,
    { by, logUri, stdin }: Watching,
  ): Promise<void> {
    await this.#write(ctx, id, {
      [RESTART_LABEL.explicitlyStopped]: "",
      ...labelsOf(RESTART_LABEL, by === "monitor" ? policy : undefined),
      ...labelsOf(COMMAND_LABEL, by === "command" ? policy : undefined),
      [RESTART_LABEL.logUri]: by === "monitor" ? logUri : "",
      [RESTART_LABEL.stdin]: by === "monitor" ? stdin : "",
    });
  }

  /**
   * One more life has begun.
   * @returns false if the user has ended it meanwhile
   */
  async goOn(ctx: Context, id: string, count: number): Promise<boolean> {
    if ((await this.next(ctx, id)).kind === "none") return false;
    await this.#write(ctx, id, { [COMMAND_LABEL.count]: String(count) });
    return true;
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

  /** From now on it is restarted no more. */
  async leave(
    ctx: Context,
    id: string,
    reason: "stopped" | "noPolicy",
  ): Promise<void> {
    const { labels = {} } = await this.#find(ctx, id) ?? {};
    if (labels[COMMAND_LABEL.status] !== undefined) {
      return await this.#write(ctx, id, labelsOf(COMMAND_LABEL, undefined));
    }
    if (labels[RESTART_LABEL.status] === undefined) return;
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
    const by = labels[RESTART_LABEL.status] === "running"
      ? "monitor"
      : labels[COMMAND_LABEL.status] === "running"
      ? "command"
      : undefined;
    if (by === undefined) return { kind: "none" };
    const facts = by === "monitor" ? labels : asMonitored(labels);
    try {
      const isDue = exitCode === undefined || wantsRestart(facts, exitCode);
      const count = restartCount(facts);
      return isDue ? { kind: "due", count, by } : { kind: "none" };
    } catch (error) {
      // The monitor makes nothing of them, either.
      if (!hasCode(error, "invalidArgument")) throw error;
      return { kind: "none" };
    }
  }

  async #shares(ctx: Context, id: string): Promise<boolean> {
    const container = await this.#find(ctx, id);
    return container !== undefined &&
      askedSharing(settingsOf(container)?.asked) !== undefined;
  }

  async #find(ctx: Context, id: string): Promise<Container | undefined> {
    return await unlessMissing(this.#deps.containers().get(ctx, id));
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

/** Without a policy they go. */
function labelsOf(
  names:
    | Pick<typeof RESTART_LABEL, "status" | "policy" | "count">
    | typeof COMMAND_LABEL,
  policy: RestartPolicy | undefined,
): Labels {
  return {
    [names.status]: policy === undefined ? "" : "running",
    [names.policy]: policy === undefined ? "" : policyText(policy),
    [names.count]: "",
  };
}

function asMonitored(labels: Labels): Labels {
  return {
    [RESTART_LABEL.policy]: labels[COMMAND_LABEL.policy] ?? "",
    [RESTART_LABEL.count]: labels[COMMAND_LABEL.count] ?? "",
  };
}

function policyText(policy: RestartPolicy): string {
  return policy.kind === "on-failure" && policy.most > 0
    ? `${policy.kind}:${policy.most}`
    : policy.kind;
}
