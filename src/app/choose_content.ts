/**
 * Who keeps a store's content: the store itself, or a program that its daemon
 * calls. A note in the store says so, since commands that work on the store
 * without the daemon don't know the daemon's configuration: they would find
 * records without bytes, and take that for damage.
 */

import { type EngineError, failedPrecondition } from "../base/errors.ts";
import type { ContentStore } from "../core/content.ts";
import type { ContentSweeper } from "../core/records.ts";
import { createContentStore } from "../drivers/content_local/store.ts";
import type { Metadata } from "../drivers/metadata_sqlite/open.ts";
import { mayExist } from "../sys/may_exist.ts";
import { writeWhole } from "../sys/write_whole.ts";
import type { StorePaths } from "./paths.ts";

/** Content that another program keeps, on records of this store. */
export type OtherContent = (
  records: Pick<Metadata, "contentRecords" | "leases">,
  paths: StorePaths,
) => ContentStore & ContentSweeper;

export interface ContentChoice {
  readonly paths: StorePaths;
  readonly metadata: Metadata;
  /** Instead of the store's own. */
  readonly otherContent?: OtherContent;
}

export function chooseContent(
  { paths, metadata, otherContent }: ContentChoice,
): ContentStore & ContentSweeper {
  if (otherContent !== undefined) return otherContent(metadata, paths);
  const keeper = contentKeeper(paths);
  if (keeper !== undefined) return refused(keptElsewhere(paths, keeper));
  return createContentStore({
    root: `${paths.root}/content`,
    records: metadata.contentRecords,
    now: () => new Date(),
  });
}

/** Name of the program that keeps the content; undefined if no other does. */
export function contentKeeper(
  { root }: Pick<StorePaths, "root">,
): string | undefined {
  if (!mayExist(notePath(root))) return undefined;
  try {
    return Deno.readTextFileSync(notePath(root)).trim();
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}

/**
 * Notes that the program called `name` keeps the content from now on.
 * @throws {EngineError} `failedPrecondition` if the store has content by
 * itself, or if another program has it
 */
export function giveContentTo(
  name: string,
  { root }: StorePaths,
  { contentRecords }: Pick<Metadata, "contentRecords">,
): void {
  const keeper = contentKeeper({ root });
  if (keeper === name) return;
  if (keeper !== undefined) throw keptByAnother(name, root, keeper);
  for (const { digest } of contentRecords.walkAll()) {
    throw failedPrecondition(
      `Cannot keep content in "${name}": "${root}" has content of its own, ` +
        `"${digest}" for one`,
      { hint: "Begin with an empty root directory" },
    );
  }
  Deno.mkdirSync(`${root}/content`, { recursive: true, mode: 0o700 });
  writeWhole(notePath(root), `${name}\n`, 0o600);
}

/** What the one has, the other need not: nobody looks. */
function keptByAnother(
  name: string,
  root: string,
  keeper: string,
): EngineError {
  return failedPrecondition(
    `Cannot keep content in "${name}": the program "${keeper}" keeps that ` +
      `of "${root}"`,
    {
      hint: `Call it [proxy_plugins.${keeper}] in the configuration, as ` +
        `before. If "${name}" has what that one had, write its name into ` +
        `"${notePath(root)}"`,
    },
  );
}

export function keptElsewhere(
  { root }: StorePaths,
  keeper: string,
): EngineError {
  return failedPrecondition(
    `Cannot use content in "${root}": the program "${keeper}" keeps it, which ` +
      "only the daemon calls",
    {
      hint: "Ask the daemon, with --address. If it is to keep content itself " +
        `again, remove "${notePath(root)}" and the images`,
    },
  );
}

function notePath(root: string): string {
  return `${root}/content/kept-elsewhere`;
}

/** A store that does nothing, and says why. */
function refused(reason: EngineError): ContentStore & ContentSweeper {
  const refuse = () => Promise.reject(reason);
  const refuseNow = () => {
    throw reason;
  };
  return {
    readerAt: refuse,
    writer: refuse,
    status: refuse,
    listStatuses: refuseNow,
    abort: refuse,
    info: refuse,
    update: refuse,
    walk: refuseNow,
    delete: refuse,
    eraseBlob: refuseNow,
    walkIngests: refuseNow,
    dropIngest: refuseNow,
  };
}
