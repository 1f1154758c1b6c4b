/** Which containers `ps` shows. */

import type { Container } from "../core/container.ts";
import { settingsOf } from "../core/container_settings.ts";
import type { Services } from "../core/services.ts";
import { exposedPorts } from "../engine/inspect_asked.ts";
import { shownMounts } from "../engine/inspect_mounts.ts";
import {
  containerName,
  containerSpec,
  findContainer,
} from "../engine/inspect_find.ts";
import {
  type ContainerStatus,
  containerStatus,
  isAlive,
} from "../engine/inspect_state.ts";
import { shownName } from "../engine/remove.ts";
import { invalidArgument } from "../base/errors.ts";
import type { Invocation } from "./command.ts";
import { labelPairs, parseFilterFlags } from "./filter_flags.ts";
import {
  isWithinPorts,
  parsePortRange,
  type PortRange,
} from "./port_filter.ts";

export interface ListedContainer {
  readonly container: Container;
  readonly status: ContainerStatus;
}

const KEYS = [
  "ancestor",
  "before",
  "exited",
  "expose",
  "health",
  "id",
  "is-task",
  "label",
  "name",
  "network",
  "publish",
  "since",
  "status",
  "volume",
];

const STATES = [
  "created",
  "running",
  "paused",
  "restarting",
  "removing",
  "exited",
  "dead",
];

const HEALTH = ["starting", "healthy", "unhealthy", "none"];

type Filters = ReadonlyMap<string, readonly string[]>;

/** Newest first. */
export async function chosenContainers(
  inv: Invocation,
  services: Services,
): Promise<readonly ListedContainer[]> {
  const { ctx, flags } = inv;
  const filters = parseFilterFlags(flags.list("filter"), KEYS);
  checkWords("status", filters, STATES);
  checkWords("health", filters, HEALTH);
  checkWords("is-task", filters, ["true", "false"]);
  checkCodes(filters.get("exited") ?? []);
  const exposed = portRanges("expose", filters);
  const published = portRanges("publish", filters);
  // Containers share the host's ports, or have none: none is published. And
  // there is no swarm, whose tasks they might be.
  const areTasks = filters.get("is-task")?.includes("true") ?? false;
  if (published !== undefined || areTasks) return [];
  const last = flags.boolean("latest") ? 1 : flags.number("last");
  const whole = flags.boolean("all") || last !== undefined ||
    filters.has("status") || filters.has("exited");
  const times = await timeLimits(inv, services, filters);
  const found: ListedContainer[] = [];
  for await (const container of services.containers.list(ctx)) {
    if (!isWithin(container, times) || !fitsRecord(container, filters)) {
      continue;
    }
    const status = await containerStatus(ctx, services, container);
    if (!whole && !isAlive(status)) continue;
    if (!fitsStatus(status, filters)) continue;
    if (!await fitsVolumes(inv, services, container, filters)) continue;
    if (!await fitsPorts(inv, services, container, exposed)) continue;
    found.push({ container, status });
  }
  found.sort((a, b) =>
    b.container.createdAt.getTime() - a.container.createdAt.getTime()
  );
  return last === undefined || last < 0 ? found : found.slice(0, last);
}

/** @throws {EngineError} `invalidArgument` */
function checkWords(
  key: string,
  filters: Filters,
  known: readonly string[],
): void {
  for (const word of filters.get(key) ?? []) {
    if (known.includes(word)) continue;
    throw invalidArgument(`Cannot filter by ${key} "${word}"`, {
      hint: `It is one of ${known.join(", ")}`,
    });
  }
}

/** @throws {EngineError} `invalidArgument` */
function checkCodes(codes: readonly string[]): void {
  for (const code of codes) {
    if (/^-?\d+$/.test(code)) continue;
    throw invalidArgument(`Cannot filter by exited "${code}"`, {
      hint: "Give an exit code, for instance exited=0",
    });
  }
}

/** Undefined without such a filter. @throws {EngineError} `invalidArgument` */
function portRanges(
  key: "expose" | "publish",
  filters: Filters,
): readonly PortRange[] | undefined {
  return filters.get(key)?.map((text) => parsePortRange(key, text));
}

interface TimeLimits {
  readonly before: readonly Date[];
  readonly since: readonly Date[];
}

async function timeLimits(
  { ctx }: Invocation,
  services: Services,
  filters: Filters,
): Promise<TimeLimits> {
  const times = async (key: string) => {
    const made: Date[] = [];
    for (const name of filters.get(key) ?? []) {
      made.push((await findContainer(ctx, services, name)).createdAt);
    }
    return made;
  };
  return { before: await times("before"), since: await times("since") };
}

function isWithin(
  { createdAt }: Container,
  { before, since }: TimeLimits,
): boolean {
  return before.every((time) => createdAt < time) &&
    since.every((time) => createdAt > time);
}

/** True if there is no such filter, or one of them passes. */
function any(
  filters: Filters,
  key: string,
  test: (value: string) => boolean,
): boolean {
  return filters.get(key)?.some(test) ?? true;
}

function fitsRecord(container: Container, filters: Filters): boolean {
  const labels = Object.entries(labelPairs(filters.get("label") ?? []));
  const network = settingsOf(container)?.network ?? "";
  return any(filters, "id", (id) => container.id.startsWith(id)) &&
    any(
      filters,
      "name",
      (name) => matchesName(containerName(container), name),
    ) &&
    any(filters, "network", (name) => name === network) &&
    any(
      filters,
      "ancestor",
      (image) =>
        isIdOf(container, image) ||
        [container.image, shownName(container.image)].some((name) =>
          name === image || name === `${image}:latest`
        ),
    ) &&
    labels.every(([key, value]) =>
      Object.hasOwn(container.labels, key) &&
      (value === undefined || container.labels[key] === value)
    );
}

/** A part of the name, or a regular expression, as docker takes it. */
function matchesName(name: string, wanted: string): boolean {
  if (name.includes(wanted)) return true;
  try {
    const pattern = new RegExp(wanted);
    return pattern.test(name) || pattern.test(`/${name}`);
  } catch {
    return false;
  }
}

function fitsStatus(
  { state, task }: ContainerStatus,
  filters: Filters,
): boolean {
  const code = state === "exited" ? task.exit?.exitCode : undefined;
  const isUp = state === "running" || state === "paused";
  const health = isUp ? task.health?.status ?? "none" : "none";
  return any(filters, "status", (wanted) => wanted === state) &&
    any(filters, "exited", (wanted) => Number(wanted) === code) &&
    any(filters, "health", (wanted) => wanted === health);
}

/** By a volume's name, or where it is mounted. */
async function fitsVolumes(
  { ctx }: Invocation,
  services: Services,
  container: Container,
  filters: Filters,
): Promise<boolean> {
  if (!filters.has("volume")) return true;
  const spec = await containerSpec(ctx, services, container) ?? {};
  const mounts = shownMounts(spec);
  return any(
    filters,
    "volume",
    (wanted) =>
      mounts.some(({ Name, Source, Destination }) =>
        [Name, Source, Destination].includes(wanted)
      ),
  );
}

/** By what it, or its image, exposes. */
async function fitsPorts(
  { ctx }: Invocation,
  services: Services,
  container: Container,
  wanted: readonly PortRange[] | undefined,
): Promise<boolean> {
  if (wanted === undefined) return true;
  const { imageConfigOf } = await import("../engine/inspect_image_config.ts");
  const image = await imageConfigOf(ctx, services, container);
  const ports = Object.keys(
    exposedPorts(settingsOf(container), image?.config) ?? {},
  );
  return ports.some((port) => wanted.some((it) => isWithinPorts(it, port)));
}

/** Whether `text` begins the id of its image, with or without the algorithm. */
function isIdOf(container: Container, text: string): boolean {
  const id = settingsOf(container)?.imageId ?? "";
  return /^(?:sha256:)?[0-9a-f]{4,64}$/.test(text) &&
    (id.startsWith(text) || id.startsWith(`sha256:${text}`));
}
