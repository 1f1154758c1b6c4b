import { assertEquals, assertRejects } from "@std/assert";
import fc from "fast-check";
import { concat } from "../http2/testing/peer.ts";
import { Inbox } from "./inbox.ts";
import { prefixed } from "./message_reader.ts";

const sent = (...messages: readonly Uint8Array[]) =>
  concat(messages.flatMap(prefixed));

const bytesOf = (length: number) => new Uint8Array(length);

Deno.test("Inbox gives messages whatever pieces they come in, and takes all bytes", async () => {
  await fc.assert(fc.asyncProperty(
    fc.array(fc.uint8Array({ maxLength: 50 }), { maxLength: 20 }),
    fc.array(fc.integer({ min: 1, max: 60 }), { minLength: 1 }),
    fc.boolean(),
    async (messages, sizes, readsAtOnce) => {
      let taken = 0;
      const inbox = new Inbox((bytes) => taken += bytes);
      const found: Uint8Array[] = [];
      const read = async () => {
        for await (const message of inbox) found.push(message);
      };
      const reading = readsAtOnce ? read() : undefined;
      const all = sent(...messages);
      for (let at = 0, turn = 0; at < all.length; turn++) {
        const size = sizes[turn % sizes.length] ?? 1;
        const lent = all.slice(at, at + size);
        inbox.push(lent);
        // It is somebody else's, who uses it again.
        lent.fill(0xee);
        at += size;
        if (turn % 3 === 0) await Promise.resolve();
      }
      inbox.end();
      await (reading ?? read());
      assertEquals(found, messages);
      assertEquals(taken, all.length);
    },
  ));
});

Deno.test("Inbox takes what it has no message of yet, and else what is read", async () => {
  let taken = 0;
  const inbox = new Inbox((bytes) => taken += bytes);
  const three = sent(bytesOf(100), bytesOf(100), bytesOf(100));
  inbox.push(three.subarray(0, 100));
  assertEquals(taken, 100);
  inbox.push(three.subarray(100, 250));
  assertEquals(taken, 100);
  await inbox.next();
  assertEquals(taken, 200);
  await inbox.next();
  assertEquals(taken, 250);
  inbox.push(three.subarray(250));
  await inbox.next();
  assertEquals([taken, inbox.isCutOff], [315, false]);
});

Deno.test("Inbox throws behind what has come, and over again", async () => {
  const inbox = new Inbox(() => {});
  inbox.push(sent(bytesOf(1)));
  inbox.end(new Error("mine"));
  inbox.end(new Error("another"));
  assertEquals((await inbox.next()).value?.length, 1);
  await assertRejects(() => inbox.next(), Error, "mine");
  await assertRejects(() => inbox.next(), Error, "mine");
});

Deno.test("Inbox that is left takes everything, and is over", async () => {
  let taken = 0;
  const inbox = new Inbox((bytes) => taken += bytes);
  inbox.push(sent(bytesOf(10), bytesOf(20)));
  assertEquals(taken, 0);
  await inbox.return();
  assertEquals(taken, 40);
  inbox.push(bytesOf(7));
  assertEquals(taken, 47);
  assertEquals((await inbox.next()).done, true);
});

Deno.test("Inbox that is left wakes who waits", async () => {
  const inbox = new Inbox(() => {});
  const waiting = inbox.next();
  await inbox.return();
  assertEquals((await waiting).done, true);
});

Deno.test("Inbox gives very many empty messages, in order", async () => {
  const inbox = new Inbox(() => {});
  inbox.push(bytesOf(5 * 100_000));
  inbox.push(sent(bytesOf(1)));
  inbox.end();
  let found = 0;
  let last = 0;
  for await (const { length } of inbox) {
    found++;
    last = length;
  }
  assertEquals([found, last], [100_001, 1]);
});
