import { failedPrecondition, invalidArgument } from "../../base/errors.ts";
import type { Bytes } from "../../engine/images_archive.ts";
import { wantedPlatform } from "../../engine/images_platform.ts";
import { summarise } from "../../engine/images_summary.ts";
import { anyPlatform } from "../../engine/images_platform.ts";
import { importImage } from "../../engine/import.ts";
import { pathKind, readFile } from "../archive_read.ts";
import type { Invocation } from "../command.ts";
import { tarOfDirectory } from "../directory_tar.ts";

/** `coracle import FILE|DIRECTORY|URL|- [REPOSITORY[:TAG]]` */
export async function run(inv: Invocation): Promise<number> {
  const [source = "", reference] = inv.args;
  const bytes = await openSource(inv, source);
  const message = inv.flags.string("message");
  const services = await inv.services();
  const image = await importImage(inv.ctx, services, {
    source: bytes,
    ...reference === undefined ? {} : { reference },
    changes: inv.flags.list("change"),
    message: message ?? `Imported from ${source}`,
    platform: wantedPlatform(inv.flags.string("platform")),
    now: inv.now,
    newId: () => crypto.randomUUID(),
  });
  const summary = await summarise(
    inv.ctx,
    services,
    image.target,
    anyPlatform(),
  );
  inv.stdout.line(summary?.id ?? image.target.digest);
  return 0;
}

async function openSource(inv: Invocation, source: string): Promise<Bytes> {
  if (source === "-") {
    if (inv.stdin.isTerminal) {
      throw failedPrecondition("Cannot import from a terminal", {
        hint: "Redirect standard input, or name a file",
      });
    }
    return inv.stdin.readable;
  }
  if (/^https?:\/\//.test(source)) return await download(inv, source);
  return await pathKind(source) === "directory"
    ? tarOfDirectory(source)
    : readFile(source);
}

async function download(inv: Invocation, url: string): Promise<Bytes> {
  const response = await fetch(url, { signal: inv.ctx.signal });
  if (response.ok && response.body !== null) return response.body;
  await response.body?.cancel();
  throw invalidArgument(
    `Cannot import "${url}": the server says ${response.status} ` +
      response.statusText,
  );
}
