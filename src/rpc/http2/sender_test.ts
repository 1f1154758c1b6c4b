import { assertEquals } from "@std/assert";
import { Sender } from "./sender.ts";

const PART_BYTES = 50 * 1024;

/** A sender whose writes wait; what they write is looked at when they end. */
function heldSender() {
  const written: number[][] = [];
  const held = Promise.withResolvers<void>();
  const sender = new Sender({
    transport: {
      read: () => Promise.resolve(null),
      async write(bytes) {
        await held.promise;
        written.push([bytes.length, ...new Set(bytes)]);
        return bytes.length;
      },
      close() {},
    },
    onRoom() {},
    onError(error) {
      throw error;
    },
  });
  return { sender, written, release: held.resolve };
}

Deno.test("push() writes what several senders push at once, each its own", async () => {
  // What it has written with is free for one of the others.
  const first = heldSender();
  first.release();
  for (let part = 0; part < 2; part++) {
    first.sender.push(new Uint8Array(PART_BYTES));
  }
  await first.sender.flushed();
  const senders = Array.from({ length: 3 }, heldSender);
  for (const round of [0, 1]) {
    for (const [index, { sender }] of senders.entries()) {
      const part = new Uint8Array(PART_BYTES).fill(10 * round + index);
      sender.push(part);
      sender.push(part);
    }
    // By then all of them are at their first write.
    for (let turn = 0; turn < 100; turn++) await undefined;
  }
  for (const { release } of senders) release();
  for (const [index, { sender, written }] of senders.entries()) {
    await sender.flushed();
    assertEquals(written, [[2 * PART_BYTES, index], [
      2 * PART_BYTES,
      10 + index,
    ]]);
    assertEquals(sender.bytes, 0);
  }
});

Deno.test("push() writes more at once than is enough, too", async () => {
  const { sender, written, release } = heldSender();
  for (let part = 0; part < 10; part++) sender.push(new Uint8Array(PART_BYTES));
  release();
  await sender.flushed();
  assertEquals(written, [[10 * PART_BYTES, 0]]);
});
