/**
 * What `disabled_plugins` names that is no plugin: who has made a mistake there
 * believes that something is off.
 */

import type { ConfigFile, ConfigNote } from "./check.ts";
import { currentUri } from "./current_uri.ts";
import { tableAt } from "./keys.ts";
import { keyLines } from "./lines.ts";

const KEY = "disabled_plugins";

/** `TYPE.ID`; a type ends with its version. */
const URI = /\.v\d+\../;
/** Of which it has more than we do, and others add some. */
const CONTAINERDS = /^io\.containerd\./;

/**
 * @param file which has been checked
 * @param hasPlugin whether there is a plugin with this URI
 */
export function disabledNotes(
  { path: file, text, table }: ConfigFile,
  hasPlugin: (uri: string) => boolean,
): readonly ConfigNote[] {
  const { [KEY]: entries = [] } = table;
  const unmet = (entries as readonly string[]).filter((entry) =>
    !hasPlugin(entry) && !isContainerds(entry)
  );
  const line = unmet.length === 0 ? undefined : keyLines(text)([KEY]);
  return unmet.map((entry) => ({
    ...noteOf(entry),
    ...{ key: KEY, entry, file },
    ...line === undefined ? {} : { line },
  }));
}

/** Containerd has it, and we do not: it is off, as it is to be. */
function isContainerds(uri: string): boolean {
  return tableAt(["plugins", currentUri(uri)])?.effect === "none";
}

function noteOf(entry: string): Pick<ConfigNote, "kind" | "says"> {
  if (!URI.test(entry)) {
    const says = "expected TYPE.ID, as in io.containerd.grpc.v1.cri";
    return { kind: "unknown", says };
  }
  const kind = CONTAINERDS.test(entry) ? "unused" : "unknown";
  return { kind, says: "there is no such plugin" };
}
