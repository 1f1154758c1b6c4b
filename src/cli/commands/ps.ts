import type { Container } from "../../core/container.ts";
import type { Services } from "../../core/services.ts";
import { settingsOf } from "../../core/container_settings.ts";
import { userLabels } from "../../engine/inspect_config.ts";
import { containerName, containerSpec } from "../../engine/inspect_find.ts";
import { shownMounts } from "../../engine/inspect_mounts.ts";
import { isAlive } from "../../engine/inspect_state.ts";
import { shownName } from "../../engine/remove.ts";
import type { Invocation } from "../command.ts";
import { chosenContainers, type ListedContainer } from "../container_filter.ts";
import { statusText } from "../container_status.ts";
import { humanAge, humanSize, humanTime } from "../format/human.ts";
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
  /** Of one label: `{{.Label "key"}}`. */
  readonly Label: (key: string) => string;
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
    Label: labelHeading,
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

/** `coracle ps`, `coracle container ls` */
export async function run(inv: Invocation): Promise<number> {
  const services = await inv.services();
  const shown = await chosenContainers(inv, services);
  const sized = inv.flags.boolean("size") ||
    /\.Size\b/.test(inv.flags.string("format") ?? "");
  const sizeOf = sized ? await sizeTexts(inv, services) : () => "";
  const rows: ContainerRow[] = [];
  for (const chosen of shown) {
    const size = await sizeOf(chosen.container);
    rows.push(await row(inv, services, chosen, size));
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

/** Docker's width of the command. */
const COMMAND_WIDTH = 20;

async function row(
  inv: Invocation,
  services: Services,
  { container, status }: ListedContainer,
  size: string,
): Promise<ContainerRow> {
  const whole = inv.flags.boolean("no-trunc");
  const spec = await containerSpec(inv.ctx, services, container) ?? {};
  const labels = Object.entries(userLabels(container));
  const command = shownCommand(spec.process?.args ?? []);
  const mounts = shownMounts(spec);
  const volumes = mounts.filter(({ Type }) => Type === "volume");
  return {
    ID: whole ? container.id : container.id.slice(0, 12),
    Names: containerName(container),
    Image: shownImage(container),
    Command: JSON.stringify(whole ? command : shortened(command)),
    CreatedAt: humanTime(container.createdAt),
    RunningFor: humanAge(container.createdAt, inv.now()),
    Platform: "",
    Ports: "",
    State: status.state,
    Status: statusText(status, inv.now()),
    Size: size,
    Labels: labels.map(([key, value]) => `${key}=${value}`).join(","),
    Mounts: mounts.map(({ Name, Source }) => Name ?? Source).join(","),
    LocalVolumes: String(volumes.length),
    Networks: settingsOf(container)?.network ?? "",
    HealthStatus: isAlive(status) ? status.task.health?.status ?? "" : "",
    Label: (key) => new Map(labels).get(key) ?? "",
  };
}

/** As the user wrote it. */
function shownImage(container: Container): string {
  const written = settingsOf(container)?.imageReference;
  if (written !== undefined) return written;
  return container.image === "" ? "<none>" : shownName(container.image);
}

/** As docker does: what has spaces in it is in single quotes. */
function shownCommand(args: readonly string[]): string {
  return args.map((arg) => arg.includes(" ") ? `'${arg}'` : arg).join(" ");
}

/** As docker does: `com.example.some-thing` is headed `some thing`. */
function labelHeading(key: string): string {
  return (key.split(".").at(-1) ?? "").replaceAll(/[-_]/g, " ");
}

function shortened(command: string): string {
  return command.length <= COMMAND_WIDTH
    ? command
    : `${command.slice(0, COMMAND_WIDTH - 1)}…`;
}

/** As docker does: what it wrote, and that with all layers of its image. */
async function sizeTexts(
  { ctx }: Invocation,
  services: Services,
): Promise<(container: Container) => Promise<string>> {
  const { sizeReader } = await import("../../engine/inspect_size.ts");
  const read = sizeReader(services);
  return async (container) => {
    const size = await read(ctx, container);
    if (size === undefined) return "N/A"; // a directory's, for one
    const { writtenBytes, totalBytes } = size;
    return `${humanSize(writtenBytes)} (virtual ${humanSize(totalBytes)})`;
  };
}
