import { shortDigest } from "../../base/digest.ts";
import { type HistoryStep, imageHistory } from "../../engine/history.ts";
import { anyPlatform } from "../../engine/images_platform.ts";
import type { Invocation } from "../command.ts";
import { humanAge, humanSize } from "../format/human.ts";
import { type ListFormat, printList } from "../format/list.ts";

interface HistoryRow {
  readonly ID: string;
  readonly CreatedSince: string;
  readonly CreatedAt: string;
  readonly CreatedBy: string;
  readonly Size: string;
  readonly Comment: string;
}

const MISSING = "<missing>";
/** Docker's width of the command. */
const WIDTH = 45;

/** `coracle history IMAGE` */
export async function run(inv: Invocation): Promise<number> {
  const [name = ""] = inv.args;
  const services = await inv.services();
  const wanted = anyPlatform(inv.flags.string("platform"));
  const steps = await imageHistory(inv.ctx, services, name, wanted);
  const human = inv.flags.boolean("human");
  const list: ListFormat<HistoryRow> = {
    headings: {
      ID: "IMAGE",
      CreatedSince: "CREATED",
      CreatedAt: "CREATED AT",
      CreatedBy: "CREATED BY",
      Size: "SIZE",
      Comment: "COMMENT",
    },
    columns: [
      "ID",
      human ? "CreatedSince" : "CreatedAt",
      "CreatedBy",
      "Size",
      "Comment",
    ],
    key: "ID",
  };
  const style: RowStyle = {
    now: inv.now(),
    sizes: human ? "human" : "bytes",
    texts: inv.flags.boolean("no-trunc") ? "whole" : "short",
  };
  printList(inv.stdout, steps.map((step) => row(step, style)), list, {
    format: inv.flags.string("format"),
    quiet: inv.flags.boolean("quiet"),
  });
  return 0;
}

interface RowStyle {
  readonly now: Date;
  readonly sizes: "human" | "bytes";
  readonly texts: "whole" | "short";
}

function row(step: HistoryStep, { now, sizes, texts }: RowStyle): HistoryRow {
  const by = step.createdBy.replace(/\s+/g, " ").trim();
  const id = step.id === undefined
    ? MISSING
    : texts === "whole"
    ? step.id
    : shortDigest(step.id);
  return {
    ID: id,
    CreatedSince: humanAge(step.createdAt, now),
    CreatedAt: step.createdAt?.toISOString() ?? "",
    CreatedBy: texts === "whole" || by.length <= WIDTH
      ? by
      : `${by.slice(0, WIDTH - 1)}…`,
    Size: sizes === "human" ? humanSize(step.sizeBytes) : `${step.sizeBytes}`,
    Comment: step.comment,
  };
}
