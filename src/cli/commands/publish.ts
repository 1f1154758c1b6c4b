/** `coracle publish`: an event of a shim's, as JSON on standard input. */

import { invalidArgument } from "../../base/errors.ts";
import type { Invocation } from "../command.ts";

/** Opens with a brace where an Any's first field would be. */
const BRACE = 0x7b;

export async function run(inv: Invocation): Promise<number> {
  const topic = inv.flags.string("topic") ?? "";
  const input = new Uint8Array(
    await new Response(inv.stdin.readable).arrayBuffer(),
  );
  const event = input[0] === BRACE ? parseJson(input) : parseAny(input);
  // A shim may outlive its store. A daemon has one in any case.
  const ifAbsent = inv.global.address === undefined ? "fail" : "make";
  const { services } = await inv.store({ leftovers: "later", ifAbsent });
  await services.events.publish(inv.ctx, topic, event);
  return 0;
}

function parseJson(input: Uint8Array): Record<string, unknown> {
  try {
    return JSON.parse(new TextDecoder().decode(input));
  } catch (cause) {
    throw invalidArgument("Cannot publish an event: it is not JSON", { cause });
  }
}

function parseAny(_input: Uint8Array): Record<string, unknown> {
  throw invalidArgument("Cannot publish an event: it is not JSON");
}
