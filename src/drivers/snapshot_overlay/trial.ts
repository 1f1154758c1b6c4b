import { mountOne, unmount } from "../../sys/mount.ts";
import { inUserNamespace } from "../../sys/ids.ts";
import { readFact } from "../../sys/facts.ts";
import type { OverlayFeatures } from "./directories.ts";

/** How overlay has to be mounted by this process, in its namespace. */
export function overlayFeatures(): OverlayFeatures {
  const index = readFact("/sys/module/overlay/parameters/index");
  return {
    attributes: inUserNamespace() ? "user" : "trusted",
    index: index === undefined ? "unknown" : "known",
  };
}

/**
 * Does with a small overlay in `directory` what containers will do with large
 * ones: read, write, delete, and replace a directory by another.
 * @param directory an existing one, on the file system in question
 * @returns undefined if overlay works, else the reason why it doesn't
 */
export function tryOverlay(
  directory: string,
  features: OverlayFeatures = overlayFeatures(),
): string | undefined {
  const base = Deno.makeTempDirSync({ dir: directory, prefix: "trial-" });
  try {
    tryIn(base, features);
    return undefined;
  } catch (error) {
    return error instanceof Error
      ? error.message.replaceAll(`${base}/`, "")
      : String(error);
  } finally {
    Deno.removeSync(base, { recursive: true });
  }
}

function tryIn(base: string, features: OverlayFeatures): void {
  const names = ["one", "two", "upper", "work", "merged"];
  const [one, two, upper, work, merged] = names.map((name) => {
    Deno.mkdirSync(`${base}/${name}`);
    return `${base}/${name}`;
  });
  if (merged === undefined) return;
  Deno.writeTextFileSync(`${one}/gone`, "");
  Deno.mkdirSync(`${two}/replaced`);
  Deno.writeTextFileSync(`${two}/replaced/below`, "");
  const options = [
    ...(features.index === "known" ? ["index=off"] : []),
    ...(features.attributes === "user" ? ["userxattr"] : []),
    ...[`workdir=${work}`, `upperdir=${upper}`, `lowerdir=${two}:${one}`],
  ];
  mountOne({ type: "overlay", source: "overlay", options }, merged);
  try {
    exercise(merged);
  } finally {
    unmount(merged, "detach");
  }
}

function exercise(merged: string): void {
  Deno.removeSync(`${merged}/gone`);
  Deno.removeSync(`${merged}/replaced`, { recursive: true });
  Deno.mkdirSync(`${merged}/replaced`);
  Deno.writeTextFileSync(`${merged}/new`, "");
  const names = [...Deno.readDirSync(merged)].map(({ name }) => name).sort();
  const below = [...Deno.readDirSync(`${merged}/replaced`)].length;
  if (names.join() !== "new,replaced" || below !== 0) {
    throw new Error("overlay does not hide what was deleted here");
  }
}
