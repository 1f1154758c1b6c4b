/**
 * A process that takes an ingest and removes it, over and over, while others
 * do the same. Its argument is the ingest's directory.
 */

import { hasCode } from "../../src/base/errors.ts";
import {
  HeldIngest,
  removeUnheld,
} from "../../src/drivers/content_local/ingest.ts";

const [directory = ""] = Deno.args;
const info = { namespace: "test", ref: "r", total: 0 };

for (let taken = 0; taken < 3000;) {
  using ingest = take();
  if (ingest === undefined) {
    // As a collection does with what nobody holds.
    removeUnheld(directory);
    continue;
  }
  Deno.writeTextFileSync(ingest.dataPath, `${Deno.pid}`);
  if (!ingest.isCurrent) throw new Error("Another one has removed it");
  const written = Deno.readTextFileSync(ingest.dataPath);
  if (written !== `${Deno.pid}`) throw new Error("Another one writes to it");
  ingest.remove();
  taken++;
}

function take(): HeldIngest | undefined {
  try {
    return HeldIngest.take(directory, info, () => new Date());
  } catch (error) {
    if (hasCode(error, "unavailable")) return undefined;
    throw error;
  }
}
