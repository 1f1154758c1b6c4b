import { invalidArgument } from "../../base/errors.ts";
import type { VolumeInfo } from "../../core/volume.ts";
import { volumeUse, type VolumeUseDeps } from "../../engine/volume_use.ts";
import type { Invocation } from "../command.ts";
import { parseFilterFlags } from "../filter_flags.ts";
import { type ListFormat, printList } from "../format/list.ts";
import { volumeDeps } from "../volume_deps.ts";

interface VolumeRow {
  readonly Driver: string;
  readonly Name: string;
  readonly Scope: string;
  readonly Mountpoint: string;
}

const LIST: ListFormat<VolumeRow> = {
  headings: {
    Driver: "DRIVER",
    Name: "VOLUME NAME",
    Scope: "SCOPE",
    Mountpoint: "MOUNTPOINT",
  },
  columns: ["Driver", "Name"],
  key: "Name",
};

const DRIVER = "local";

/** `coracle volume ls` */
export async function run(inv: Invocation): Promise<number> {
  const deps = await volumeDeps(inv);
  const fits = await volumeFilter(inv, deps);
  const rows: VolumeRow[] = [];
  for await (const volume of deps.volumes.list(inv.ctx)) {
    if (!fits(volume)) continue;
    const { name: Name, mountpoint: Mountpoint } = volume;
    rows.push({ Driver: DRIVER, Name, Scope: DRIVER, Mountpoint });
  }
  printList(inv.stdout, rows, LIST, {
    format: inv.flags.string("format"),
    quiet: inv.flags.boolean("quiet"),
  });
  return 0;
}

const YES = ["true", "1"];
const NO = ["false", "0"];

/** @throws {EngineError} `invalidArgument` */
async function volumeFilter(
  { ctx, flags }: Invocation,
  { services }: VolumeUseDeps,
): Promise<(volume: VolumeInfo) => boolean> {
  const keys = ["dangling", "driver", "name"];
  const filters = parseFilterFlags(flags.list("filter"), keys);
  const dangling = filters.get("dangling") ?? [];
  for (const word of dangling) {
    if ([...YES, ...NO].includes(word)) continue;
    throw invalidArgument(`Cannot filter by dangling "${word}"`, {
      hint: "It is true or false",
    });
  }
  const use = dangling.length === 0
    ? undefined
    : await volumeUse(ctx, services);
  const isUsed = (volume: VolumeInfo) => (use?.usersOf(volume).length ?? 0) > 0;
  const any = (key: string, test: (value: string) => boolean) =>
    filters.get(key)?.some(test) ?? true;
  return (volume) =>
    any("name", (part) => volume.name.includes(part)) &&
    any("driver", (driver) => driver === DRIVER) &&
    any("dangling", (word) => YES.includes(word) !== isUsed(volume));
}
