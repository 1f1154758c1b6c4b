/** Which events `coracle events --filter` shows. */

import { hasCode, invalidArgument } from "../base/errors.ts";
import type { Context } from "../base/context.ts";
import type { EngineEvent } from "../core/event.ts";
import { LABEL } from "../core/labels.ts";
import type { Services } from "../core/services.ts";
import { containerName } from "../engine/inspect_find.ts";
import { parseFilterFlags } from "./filter_flags.ts";

/** Docker's words for events of containers, whose topics are containerd's. */
const DOCKER_EVENTS: Readonly<Record<string, string>> = {
  die: "/tasks/exit",
  pause: "/tasks/paused",
  unpause: "/tasks/resumed",
  destroy: "/containers/delete",
  exec_create: "/tasks/exec-added",
  exec_start: "/tasks/exec-started",
  exec_die: "/tasks/exit",
  health_status: "/containers/health-status",
};

const KEYS = ["namespace", "topic", "type", "event", "container"];

export type EventFilter = (event: EngineEvent) => Promise<boolean>;

/**
 * Of several values of one key one must fit, and each key must.
 * @throws {EngineError} `invalidArgument`
 */
export function eventFilter(
  ctx: Context,
  { containers }: Pick<Services, "containers">,
  filters: readonly string[],
): EventFilter {
  const flags = parseFilterFlags(filters, KEYS);
  checkTopics(flags.get("topic") ?? []);
  const any = (key: string, test: (value: string) => boolean) =>
    flags.get(key)?.some(test) ?? true;
  const names = new ContainerNames(ctx, containers);
  return async (event) => {
    const { namespace, topic } = event;
    const fits = any("namespace", (name) => name === namespace) &&
      any("topic", (prefix) => topic.startsWith(prefix)) &&
      any("type", (name) => isOfType(event, name)) &&
      any("event", (name) => isCalled(event, name));
    const wanted = flags.get("container");
    if (wanted === undefined) return fits;
    // Names are learnt from what does not fit, too.
    const id = containerOf(event);
    if (id === undefined) return false;
    const name = await names.learn(event, id);
    return fits &&
      wanted.some((value) => id.startsWith(value) || name === value);
  };
}

/** To docker, what a container's processes do is the container's. */
function isOfType({ topic }: EngineEvent, name: string): boolean {
  const [, type = ""] = topic.split("/");
  return type === name || type === `${name}s` ||
    (name === "container" && type === "tasks");
}

/** By the topic's last word, or as docker calls it. */
function isCalled({ topic, event }: EngineEvent, name: string): boolean {
  const [, , action = ""] = topic.split("/");
  if (action === name) return true;
  if (DOCKER_EVENTS[name] !== topic) return false;
  if (topic !== "/tasks/exit") return true;
  const { id, containerId } = event as Readonly<Record<string, unknown>>;
  return (name === "die") === (id === containerId);
}

function checkTopics(topics: readonly string[]): void {
  for (const topic of topics) {
    if (topic.startsWith("/")) continue;
    throw invalidArgument(`Cannot filter by topic "${topic}"`, {
      hint: "A topic looks like /images/create",
    });
  }
}

/** The id of the container that it is about. */
function containerOf({ topic, event }: EngineEvent): string | undefined {
  const { id, containerId } = event as Readonly<Record<string, unknown>>;
  const found = topic.startsWith("/containers/") ? id : containerId;
  return typeof found === "string" ? found : undefined;
}

/** What containers are called, or were: events say it when it changes. */
class ContainerNames {
  readonly #ctx: Context;
  readonly #containers: Services["containers"];
  readonly #names = new Map<string, string | undefined>();

  constructor(ctx: Context, containers: Services["containers"]) {
    this.#ctx = ctx;
    this.#containers = containers;
  }

  async learn(event: EngineEvent, id: string): Promise<string | undefined> {
    const said = nameIn(event);
    if (said !== undefined) this.#names.set(id, said);
    else if (!this.#names.has(id)) {
      this.#names.set(id, await this.#recorded(event.namespace, id));
    }
    return this.#names.get(id);
  }

  /** Undefined if it has been removed. */
  async #recorded(namespace: string, id: string): Promise<string | undefined> {
    try {
      const ctx = { ...this.#ctx, namespace };
      return containerName(await this.#containers.get(ctx, id));
    } catch (error) {
      if (!hasCode(error, "notFound")) throw error;
      return undefined;
    }
  }
}

function nameIn({ event }: EngineEvent): string | undefined {
  const { labels } = event as {
    readonly labels?: Readonly<Record<string, string>>;
  };
  return labels?.[LABEL.containerName];
}
