/** `coracle cp` */

import { failedPrecondition, invalidArgument } from "../../base/errors.ts";
import type { Services } from "../../core/services.ts";
import {
  archiveIn,
  archiveOut,
  type ContainerPath,
  copyIn,
  type CopyOptions,
  copyOut,
} from "../../engine/copy.ts";
import { decompress, peekCompression } from "../../engine/images_compress.ts";
import { findContainer } from "../../engine/inspect_find.ts";
import { whileThere } from "../../engine/while_there.ts";
import type { Invocation } from "../command.ts";
import { humanSize } from "../format/human.ts";

/** `coracle cp [-a] [-L] [-q] CONTAINER:PATH PATH|-`, or the other way */
export async function run(inv: Invocation): Promise<number> {
  const [source = "", target = ""] = inv.args;
  const from = splitArgument(source, "source");
  const to = splitArgument(target, "destination");
  if (from.container !== undefined && to.container !== undefined) {
    throw invalidArgument("copying between containers is not supported");
  }
  // First the store: an ordinary user's command starts again in a namespace,
  // where paths and streams are looked at as that user.
  const services = await inv.services();
  if (from.container !== undefined) {
    const place = await find(inv, services, from);
    await whileThere(
      ...[inv.ctx, services, place.container] as const,
      () => out(inv, services, place, to.path),
    );
  } else if (to.container !== undefined) {
    const place = await find(inv, services, to);
    await whileThere(
      ...[inv.ctx, services, place.container] as const,
      () => into(inv, services, from.path, place),
    );
  } else {
    throw invalidArgument("must specify at least one container source", {
      hint: "Write a path in a container as CONTAINER:PATH",
    });
  }
  return 0;
}

interface Argument {
  /** Undefined if the path is one of this machine. */
  readonly container?: string;
  readonly path: string;
}

/** As docker: `./a:b` and `/a:b` are files of this machine. */
function splitArgument(text: string, what: string): Argument {
  if (text === "") throw invalidArgument(`${what} can not be empty`);
  const colon = text.indexOf(":");
  const isLocal = colon <= 0 || text.startsWith("/") || text.startsWith(".");
  if (isLocal) return { path: text };
  const path = text.slice(colon + 1);
  if (path !== "") return { container: text.slice(0, colon), path };
  throw invalidArgument(`Cannot copy "${text}": there is no path behind ":"`);
}

async function find(
  inv: Invocation,
  services: Services,
  { container: name = "", path }: Argument,
): Promise<ContainerPath> {
  return {
    container: await findContainer(inv.ctx, services, name),
    name,
    path,
  };
}

async function out(
  inv: Invocation,
  services: Services,
  from: ContainerPath,
  path: string,
): Promise<void> {
  const options = copyOptions(inv);
  if (path !== "-") {
    const to = { path, cwd: Deno.cwd() };
    say(inv, await copyOut(inv.ctx, services, from, to, options), path);
    return;
  }
  if (inv.stdout.isTerminal) {
    throw failedPrecondition("Cannot copy an archive to a terminal", {
      hint: "Redirect standard output, or name a path",
    });
  }
  for await (const chunk of archiveOut(inv.ctx, services, from, options)) {
    inv.stdout.write(chunk);
  }
}

async function into(
  inv: Invocation,
  services: Services,
  path: string,
  to: ContainerPath,
): Promise<void> {
  if (path !== "-") {
    const from = { path, cwd: Deno.cwd() };
    const bytes = await copyIn(inv.ctx, services, from, to, copyOptions(inv));
    say(inv, bytes, `${to.name}:${to.path}`);
    return;
  }
  if (inv.stdin.isTerminal) {
    throw failedPrecondition("Cannot copy an archive from a terminal", {
      hint: "Redirect standard input, or name a path",
    });
  }
  const { compression, bytes } = await peekCompression(inv.stdin.readable);
  const tar = await decompress(bytes, compression);
  await archiveIn(inv.ctx, services, tar, to);
}

function copyOptions({ flags }: Invocation): CopyOptions {
  return {
    links: flags.boolean("follow-link") ? "follow" : "keep",
    owners: flags.boolean("archive") ? "keep" : "ours",
  };
}

function say(inv: Invocation, bytes: number, target: string): void {
  if (inv.flags.boolean("quiet")) return;
  const size = humanSize(bytes);
  inv.stderr.line(`Successfully copied ${size} to ${target}`);
}
