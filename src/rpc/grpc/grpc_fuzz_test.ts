/** Whatever comes over the wire, calls end, and other connections don't. */

import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { EngineError } from "../../base/errors.ts";
import { FRAME, PREFACE } from "../http2/frame.ts";
import {
  concat,
  data,
  END,
  headers,
  number,
  Peer,
  settings,
  WHOLE,
} from "../http2/testing/peer.ts";
import { all, any, forever, rig, until } from "./testing.ts";
import { ANSWER, ask, message, POST, rawServer } from "./testing/raw.ts";

const RUNS = { numRuns: 100, interruptAfterTimeLimit: 1_000 };

interface Change {
  readonly at: number;
  readonly byte: number;
  readonly cut: number;
}

/** Up to three bytes are others, and some behind them may be missing. */
function changesIn(bytes: Uint8Array): fc.Arbitrary<Change[]> {
  const change = fc.record({
    at: fc.nat(bytes.length - 1),
    byte: fc.oneof(fc.nat(255), fc.constantFrom(0, 1, 255)),
    cut: fc.oneof({ weight: 3, arbitrary: fc.constant(0) }, fc.nat(30)),
  });
  return fc.array(change, { maxLength: 3 });
}

function changed(bytes: Uint8Array, changes: readonly Change[]): Uint8Array {
  let found: Uint8Array = bytes.slice();
  for (const { at, byte, cut } of changes) {
    if (at < found.length) found[at] = byte;
    if (cut === 0) continue;
    found = concat([found.subarray(0, at), found.subarray(at + cut)]);
  }
  return found;
}

function pathOf(method: string) {
  const others = POST.filter(([name]) => name !== ":path");
  return [...others, [":path", `/coracle.test.Echo/${method}`] as const];
}

const REQUESTS = concat([
  settings([4, 500]),
  ask(1),
  headers(3, WHOLE, pathOf("Gather")),
  data(3, concat([message("a"), message("b", 100)])),
  headers(5, WHOLE, pathOf("Converse")),
  data(5, message("c")),
  number(FRAME.windowUpdate, 5, 100),
  data(3, message("d"), END),
  ask(7, pathOf("Repeat")),
  data(5, message("e"), END),
  number(FRAME.reset, 7, 8),
  ask(9, [...POST, ["grpc-timeout", "1m"]]),
]);

Deno.test("a server survives clients that send anything", async () => {
  await using it = await rig({
    once: (_call, request) => Promise.resolve(request),
    async gather(_call, requests) {
      return any(String((await all(requests)).length));
    },
    repeat: () => forever(any("more", 100)),
    async *converse(_call, requests) {
      yield* requests;
    },
  });
  const { path } = it;
  await fc.assert(
    fc.asyncProperty(changesIn(REQUESTS), async (changes) => {
      const conn = await Deno.connect({ transport: "unix", path });
      const peer = new Peer(conn);
      await peer.send(PREFACE, changed(REQUESTS, changes)).catch(() => {});
      // Half of them go before they have heard anything.
      if (changes.length % 2 === 0) await peer.next().catch(() => {});
      peer.close();
    }),
    RUNS,
  );
  await until(() => it.server.calls === 0);
  assertEquals((await it.echo.once(any("well"))).typeUrl, "well");
  assertEquals(it.server.connections, 1);
});

const ANSWERS = concat([
  settings([3, 10], [4, 500]),
  ...[1, 3].flatMap((stream) => [
    headers(stream, WHOLE, ANSWER),
    data(stream, message("a", 50)),
    headers(stream, WHOLE | END, [["grpc-status", "0"], ["x-end", "1"]]),
  ]),
]);

Deno.test("calls end, whatever a server answers", async () => {
  let changes: readonly Change[] = [];
  await using it = await rawServer(async (peer) => {
    await peer.take(PREFACE.length);
    await peer.nextOf(FRAME.data).catch(() => {});
    await peer.send(changed(ANSWERS, changes)).catch(() => {});
    peer.close();
  });
  let well = 0;
  await fc.assert(
    fc.asyncProperty(changesIn(ANSWERS), async (next) => {
      changes = next;
      const calls = [it.echo.once(any("q")), all(it.echo.repeat(any("q")))];
      for (const end of await Promise.allSettled(calls)) {
        if (end.status === "fulfilled") well++;
        else assert(end.reason instanceof EngineError, `${end.reason}`);
      }
    }),
    RUNS,
  );
  // Else it would be the test that is wrong.
  assert(well > 0);
});
