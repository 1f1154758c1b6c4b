import { digestHex, shortDigest } from "../../base/digest.ts";
import { familiarRepository } from "../../base/reference.ts";
import {
  imageId,
  type ListedImage,
  listImages,
  nameReference,
} from "../../engine/images.ts";
import { anyPlatform } from "../../engine/images_platform.ts";
import type { Invocation } from "../command.ts";
import { humanAge, humanSize, humanTime } from "../format/human.ts";
import { type ListFormat, printList } from "../format/list.ts";
import { imageFilter } from "../image_filter.ts";

/** A row as docker's formatter has it: all of it text. */
interface ImageRow {
  readonly ID: string;
  readonly Repository: string;
  readonly Tag: string;
  readonly Digest: string;
  readonly CreatedSince: string;
  readonly CreatedAt: string;
  readonly Size: string;
  readonly Containers: string;
  readonly SharedSize: string;
  readonly UniqueSize: string;
  readonly VirtualSize: string;
  readonly Platform: string;
}

const LIST: ListFormat<ImageRow> = {
  headings: {
    ID: "IMAGE ID",
    Repository: "REPOSITORY",
    Tag: "TAG",
    Digest: "DIGEST",
    CreatedSince: "CREATED",
    CreatedAt: "CREATED AT",
    Size: "SIZE",
    Containers: "CONTAINERS",
    SharedSize: "SHARED SIZE",
    UniqueSize: "UNIQUE SIZE",
    VirtualSize: "SIZE",
    Platform: "PLATFORM",
  },
  columns: ["Repository", "Tag", "ID", "CreatedSince", "Size"],
  key: "ID",
};

const WITH_DIGESTS: ListFormat<ImageRow> = {
  ...LIST,
  columns: ["Repository", "Tag", "Digest", "ID", "CreatedSince", "Size"],
};

/** `coracle images`, `coracle image ls` */
export async function run(inv: Invocation): Promise<number> {
  const services = await inv.services();
  const wanted = anyPlatform();
  const filter = await imageFilter(inv.ctx, services, {
    filters: inv.flags.list("filter"),
    reference: inv.args[0],
    now: inv.now(),
    wanted,
  });
  const found: ListedImage[] = [];
  for await (const listed of listImages(inv.ctx, services, wanted)) {
    if (await filter(listed)) found.push(listed);
  }
  const ids = inv.flags.boolean("no-trunc") ? "whole" : "short";
  const rows = sortedRows(found, inv.now(), ids);
  const quiet = inv.flags.boolean("quiet");
  printList(
    inv.stdout,
    quiet ? distinct(rows) : rows,
    inv.flags.boolean("digests") ? WITH_DIGESTS : LIST,
    { format: inv.flags.string("format"), quiet },
  );
  return 0;
}

/** An image with several names has one ID. */
function distinct(rows: readonly ImageRow[]): readonly ImageRow[] {
  return [...new Map(rows.map((row) => [row.ID, row])).values()];
}

/** Newest first; names in order where that says nothing. */
function sortedRows(
  found: readonly ListedImage[],
  now: Date,
  ids: "whole" | "short",
): readonly ImageRow[] {
  return found
    .map((listed) => ({
      made: listed.summary?.createdAt?.getTime() ?? 0,
      row: row(listed, now, ids),
    }))
    .sort((a, b) =>
      b.made - a.made || compare(a.row.Repository, b.row.Repository) ||
      compare(a.row.Tag, b.row.Tag)
    )
    .map(({ row }) => row);
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

function row(
  listed: ListedImage,
  now: Date,
  ids: "whole" | "short",
): ImageRow {
  const { image, summary } = listed;
  const id = imageId(listed);
  const reference = nameReference(image.name);
  const size = summary === undefined ? "N/A" : humanSize(summary.sizeBytes);
  return {
    ID: ids === "whole" ? `sha256:${digestHex(id)}` : shortDigest(id),
    Repository: reference === undefined
      ? "<none>"
      : familiarRepository(reference),
    // Of a name with a digest the tag alone would name another image, or none.
    Tag: reference?.digest === undefined
      ? reference?.tag ?? "<none>"
      : "<none>",
    Digest: image.target.digest,
    CreatedSince: humanAge(summary?.createdAt, now),
    CreatedAt: humanTime(summary?.createdAt),
    Size: size,
    Containers: "N/A",
    SharedSize: "N/A",
    UniqueSize: "N/A",
    VirtualSize: size,
    Platform: summary?.platform ?? "",
  };
}
