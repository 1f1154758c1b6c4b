import {
  failedPrecondition,
  invalidArgument,
  unavailable,
} from "../../base/errors.ts";
import type { Bytes } from "../../engine/images_archive.ts";
import { anyPlatform, wantedPlatform } from "../../engine/images_platform.ts";
import { summarise } from "../../engine/images_summary.ts";
import { importImage } from "../../engine/import.ts";
import { pathKind, readFile } from "../archive_read.ts";
import type { Invocation } from "../command.ts";

/** `coracle import FILE|DIRECTORY|URL|- [REPOSITORY[:TAG]]` */
export async function run(inv: Invocation): Promise<number> {
  const [source = "", reference] = inv.args;
  const message = inv.flags.string("message");
  // First the store: an ordinary user's command starts again in a namespace,
  // and must not have read anything from its input before.
  const services = await inv.services();
  const bytes = await openSource(inv, source);
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
  if (await pathKind(source) === "file") return readFile(source);
  const { tarOfDirectory } = await import("../../app/directory_tar.ts");
  return tarOfDirectory(inv.ctx, source);
}

async function download(inv: Invocation, url: string): Promise<Bytes> {
  const { signal } = inv.ctx;
  const response = await fetch(url, { signal }).catch((cause) => {
    signal.throwIfAborted();
    throw unavailable(`Cannot import "${url}": the server can't be reached`, {
      cause,
      hint: "Check the address and the network",
    });
  });
  if (response.ok && response.body !== null) return response.body;
  await response.body?.cancel();
  throw invalidArgument(
    `Cannot import "${url}": the server says ${response.status} ` +
      response.statusText,
  );
}
