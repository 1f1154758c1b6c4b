/**
 * A content store as a program of its own:
 * `external_content_main.ts SOCKET DIRECTORY`. It ends with its standard input.
 */

import { contentService } from "../../src/api/server/content.ts";
import { silentLogger } from "../../src/base/log.ts";
import { createContentStore } from "../../src/drivers/content_local/store.ts";
import { openMetadata } from "../../src/drivers/metadata_sqlite/open.ts";
import { serveExternal, withoutNamespaces } from "./serve_external.ts";

const [path = "", directory = ""] = Deno.args;

await Deno.mkdir(directory, { recursive: true });
const now = () => new Date();
using metadata = await openMetadata({
  path: `${directory}/meta.db`,
  now,
  newId: () => crypto.randomUUID(),
  log: silentLogger,
});
const content = createContentStore({
  root: `${directory}/content`,
  records: metadata.contentRecords,
  now,
});
await serveExternal(path, [
  withoutNamespaces(contentService({ content, log: silentLogger })),
]);
