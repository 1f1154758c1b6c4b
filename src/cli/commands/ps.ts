import type { Container } from "../../core/container.ts";
import type { Services } from "../../core/services.ts";
import { userLabels } from "../../engine/inspect_container.ts";
import { containerName, containerSpec } from "../../engine/inspect_find.ts";
import {
  type ContainerState,
  containerState,
} from "../../engine/inspect_state.ts";
import { shownName } from "../../engine/remove.ts";
import type { Invocation } from "../command.ts";
import { labelPairs, parseFilterFlags } from "../filter_flags.ts";
import {
  humanAge,
  humanDuration,
  humanSize,
  humanTime,
} from "../format/human.ts";
import { type ListFormat, printList } from "../format/list.ts";

/** A row as docker's formatter has it: all of it text. */
interface ContainerRow {
  readonly ID: string;
  readonly Names: string;
  readonly Image: string;
  readonly Command: string;
  readonly CreatedAt: string;
  readonly RunningFor: string;
  readonly Platform: string;
  readonly Ports: string;
  readonly State: string;
  readonly Status: string;
  readonly Size: string;
  readonly Labels: string;
  readonly Mounts: string;
  readonly LocalVolumes: string;
  readonly Networks: string;
  readonly HealthStatus: string;
}

const LIST: ListFormat<ContainerRow> = {
  headings: {
    ID: "CONTAINER ID",
    Names: "NAMES",
    Image: "IMAGE",
    Command: "COMMAND",
    CreatedAt: "CREATED AT",
    RunningFor: "CREATED",
    Platform: "PLATFORM",
    Ports: "PORTS",
    State: "STATE",
    Status: "STATUS",
    Size: "SIZE",
    Labels: "LABELS",
    Mounts: "MOUNTS",
    LocalVolumes: "LOCAL VOLUMES",
    Networks: "NETWORKS",
    HealthStatus: "HEALTH",
  },
  columns: [
    "ID",
    "Image",
    "Command",
    "RunningFor",
    "Status",
    "Ports",
    "Names",
  ],
  key: "ID",
};

const KEYS = ["ancestor", "exited", "id", "label", "name", "status"];

/** `coracle ps`, `coracle container ls` */
export async function run(inv: Invocation): Promise<number> {
  const services = await inv.services();
  const shown = await chosen(inv, services);
  const rows: ContainerRow[] = [];
  for (const container of shown) {
    rows.push(await row(inv, services, container));
  }
  const list: ListFormat<ContainerRow> = inv.flags.boolean("size")
    ? { ...LIST, columns: [...LIST.columns, "Size"] }
    : LIST;
  printList(inv.stdout, rows, list, {
    format: inv.flags.string("format"),
    quiet: inv.flags.boolean("quiet"),
  });
  return 0;
}

/** Newest first. */
async function chosen(
  inv: Invocation,
  services: Services,
): Promise<readonly Container[]> {
  const { ctx, flags } = inv;
  const filters = parseFilterFlags(flags.list("filter"), KEYS);
  const last = flags.boolean("latest") ? 1 : flags.number("last");
  const whole = flags.boolean("all") || last !== undefined ||
    filters.has("status") || filters.has("exited");
  const found: Container[] = [];
  for await (const container of services.containers.list(ctx)) {
    const state = containerState(container);
    if (!whole && state.status !== "running") continue;
    if (fits(container, state, filters)) found.push(container);
  }
  found.sort((a, b) => b.createdAt.getTime() - a.createdAt.getTime());
  return last === undefined || last < 0 ? found : found.slice(0, last);
}

function fits(
  container: Container,
  state: ContainerState,
  filters: ReadonlyMap<string, readonly string[]>,
): boolean {
  const any = (key: string, test: (value: string) => boolean) =>
    filters.get(key)?.some(test) ?? true;
  const labels = Object.entries(labelPairs(filters.get("label") ?? []));
  return any("id", (id) => container.id.startsWith(id)) &&
    any("name", (name) => containerName(container).includes(name)) &&
    any("status", (status) => state.status === status) &&
    any(
      "exited",
      (code) => state.status === "exited" && state.exitCode === Number(code),
    ) &&
    any(
      "ancestor",
      (image) =>
        [container.image, shownName(container.image)].some((name) =>
          name === image || name === `${image}:latest`
        ),
    ) &&
    labels.every(([key, value]) =>
      Object.hasOwn(container.labels, key) &&
      (value === undefined || container.labels[key] === value)
    );
}

/** Docker's width of the command. */
const COMMAND_WIDTH = 20;

async function row(
  inv: Invocation,
  services: Services,
  container: Container,
): Promise<ContainerRow> {
  const whole = inv.flags.boolean("no-trunc");
  const spec = await containerSpec(inv.ctx, services, container);
  const state = containerState(container);
  const labels = Object.entries(userLabels(container));
  const size = inv.flags.boolean("size")
    ? await writableSize(inv, services, container)
    : "";
  const age = humanAge(container.createdAt, inv.now());
  const command = (spec?.process?.args ?? []).join(" ");
  return {
    ID: whole ? container.id : container.id.slice(0, 12),
    Names: containerName(container),
    Image: container.image === "" ? "<none>" : shownName(container.image),
    Command: `"${whole ? command : shortened(command)}"`,
    CreatedAt: humanTime(container.createdAt),
    RunningFor: age,
    Platform: "",
    Ports: "",
    State: state.status,
    Status: statusText(state, container, inv.now()),
    Size: size,
    Labels: labels.map(([key, value]) => `${key}=${value}`).join(","),
    Mounts: "",
    LocalVolumes: "0",
    Networks: "",
    HealthStatus: "",
  };
}

function shortened(command: string): string {
  return command.length <= COMMAND_WIDTH
    ? command
    : `${command.slice(0, COMMAND_WIDTH - 1)}…`;
}

function statusText(
  state: ContainerState,
  container: Container,
  now: Date,
): string {
  switch (state.status) {
    case "running": {
      const age = now.getTime() - container.createdAt.getTime();
      return `Up ${humanDuration(age)}`;
    }
    case "exited":
      return `Exited (${state.exitCode}) ${humanAge(state.exitedAt, now)}`;
    default:
      return state satisfies never;
  }
}

async function writableSize(
  inv: Invocation,
  services: Services,
  container: Container,
): Promise<string> {
  const snapshotter = services.snapshotters.get(container.snapshotter);
  if (snapshotter === undefined) return "N/A";
  try {
    const usage = await snapshotter.usage(inv.ctx, container.snapshotKey);
    return humanSize(usage.sizeBytes);
  } catch {
    return "N/A"; // a container of a directory has no snapshot
  }
}
