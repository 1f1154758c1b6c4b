/** Peers that make a connection work, or keep, more than any honest one does. */

import { assert, assertEquals } from "@std/assert";
import { Connection } from "./connection.ts";
import { ERROR } from "./breach.ts";
import { FRAME, PREFACE } from "./frame.ts";
import {
  clientRig,
  concat,
  data,
  frame,
  headers,
  number,
  Peer,
  PING,
  type Rig,
  serverRig,
  settings,
  transportPair,
  turn,
} from "./testing/rig.ts";

/** As many frames as a second may have. */
const MOST_FRAMES = 20_000;

const FLOODS: readonly (readonly [what: string, frame: Uint8Array])[] = [
  ["pings", PING],
  ["settings", settings()],
  ["priorities", frame(FRAME.priority, 0, 1, new Uint8Array(5))],
  ["resets", number(FRAME.reset, 1, ERROR.cancel)],
  ["empty data", data(1, 0)],
];

for (const [what, one] of FLOODS) {
  Deno.test(`Connection ends when there are too many ${what} in a second`, async () => {
    await using it = await serverRig({ windowBytes: 1024 * 1024 });
    await it.peer.send(headers(1));
    await it.peer.answers();
    const many = concat(Array(1000).fill(one));
    for (let sent = 0; sent < MOST_FRAMES; sent += 1000) {
      await it.peer.send(many);
    }
    assertEquals(await endingOf(it), ERROR.enhanceYourCalm);
    await it.connection.ended;
    assertEquals(it.heard[0]?.events.length, 2);
  });
}

async function endingOf({ peer }: Rig): Promise<number | undefined> {
  await peer.send(PING, PING);
  return await peer.ending();
}

Deno.test("Connection takes as many pings as one likes, if one takes one's time", async () => {
  const [transport, other] = transportPair();
  let now = 0;
  const connection = new Connection({
    ...{ role: "server", transport, windowBytes: 1000, now: () => now },
    accept: () => ({ headers() {}, data() {}, broken() {} }),
  });
  const peer = new Peer(other);
  await peer.send(PREFACE, settings());
  const many = concat(Array(9_000).fill(PING));
  for (; now < 10_000; now += 500) {
    await peer.send(many);
    await peer.answers();
  }
  connection.close();
  await connection.ended;
});

/** Sends until nobody takes it. @returns the bytes that were taken */
async function sendUntilFull(
  peer: Peer,
  piece: Uint8Array,
  { mostBytes }: { readonly mostBytes: number },
): Promise<number> {
  let taken = 0;
  let isTaken = true;
  while (isTaken && taken < mostBytes) {
    isTaken = false;
    const sent = peer.send(piece).then(() => isTaken = true, () => {});
    for (let turns = 0; !isTaken && turns < 20; turns++) await turn();
    if (isTaken) await sent;
    taken += piece.length;
  }
  return taken;
}

for (
  const [what, open] of [["server", serverRig], ["client", clientRig]] as const
) {
  Deno.test(`Connection of a ${what} reads no more pings when nobody reads its answers`, async () => {
    let now = 0;
    await using it = await open({ mostBytes: 64 * 1024, now: () => now++ });
    const piece = concat(Array(1_000).fill(PING));
    const mostBytes = 10 * 1024 * 1024;
    const taken = await sendUntilFull(it.peer, piece, { mostBytes });
    assert(taken < 2 * 1024 * 1024, `${taken} bytes of pings were taken`);
    // It waits for the peer to read, which hangs up instead.
    it.peer.close();
    await it.connection.ended;
  });
}
