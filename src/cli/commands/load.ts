import { failedPrecondition } from "../../base/errors.ts";
import { familiarName } from "../../base/reference.ts";
import { nameReference } from "../../engine/images.ts";
import { anyPlatform } from "../../engine/images_platform.ts";
import { loadImages } from "../../engine/load.ts";
import { readTar } from "../../engine/images_tar.ts";
import { pathKind, readDirectory, readFile } from "../archive_read.ts";
import type { Invocation } from "../command.ts";
import { humanSize } from "../format/human.ts";

/** `coracle load [-i FILE|DIRECTORY]` */
export async function run(inv: Invocation): Promise<number> {
  // First the store: an ordinary user's command starts again in a namespace,
  // and must not have read anything from its input before.
  const services = await inv.services();
  const entries = await openArchive(inv);
  const loaded = await loadImages(inv.ctx, services, entries, {
    wanted: anyPlatform(inv.flags.string("platform")),
    newId: () => crypto.randomUUID(),
    onFile: (path, size) => {
      if (inv.flags.boolean("quiet") || !inv.stderr.isTerminal) return;
      inv.stderr.line(`${path.slice(-64)}: ${humanSize(size)}`);
    },
  });
  for (const { image, kind } of loaded) {
    const reference = nameReference(image.name);
    inv.stdout.line(
      kind === "nameless" || reference === undefined
        ? `Loaded image ID: ${image.name}`
        : `Loaded image: ${familiarName(reference)}`,
    );
  }
  return 0;
}

async function openArchive(inv: Invocation) {
  const input = inv.flags.string("input");
  if (input === undefined || input === "-") {
    if (inv.stdin.isTerminal) {
      throw failedPrecondition("Cannot load from a terminal", {
        hint: "Redirect standard input, or name a file with --input",
      });
    }
    return await readTar(inv.stdin.readable);
  }
  return await pathKind(input) === "directory"
    ? readDirectory(input)
    : await readTar(readFile(input));
}
