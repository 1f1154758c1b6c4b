import { assertEquals, assertThrows } from "@std/assert";
import {
  closeFd,
  makePipe,
  openFifo,
  readSome,
  setBlocking,
  writeSome,
} from "./descriptors.ts";
import { ERRNO, hasErrno } from "./errno.ts";
import { openPoller, type Poller, type Readiness } from "./poller.ts";

/** libc's symbols stay open; the sanitizer must not count them to a test. */
async function prime(): Promise<void> {
  const poller = openPoller();
  using pipe = openPipe();
  const { promise, resolve } = Promise.withResolvers<Readiness>();
  using _watch = poller.watch(pipe.write, "writable", resolve);
  await promise;
  setBlocking(pipe.read, "nonblocking");
  readSome(pipe.read, new Uint8Array(1));
  writeSome(pipe.write, new Uint8Array(1));
  assertThrows(() => poller.watch(9999, "readable", () => {}));
  await poller.close();
}

function openPipe(): { read: number; write: number } & Disposable {
  const { read, write } = makePipe();
  return {
    read,
    write,
    [Symbol.dispose]() {
      closeFd(read);
      closeFd(write);
    },
  };
}
await prime();

/** Resolves with the first thing that is told; ends the watch. */
function once(
  poller: Poller,
  fd: number,
  interest: "readable" | "writable",
): Promise<Readiness> {
  const { promise, resolve } = Promise.withResolvers<Readiness>();
  const watch = poller.watch(fd, interest, (ready) => {
    watch[Symbol.dispose]();
    resolve(ready);
  });
  return promise;
}

Deno.test("watch() tells when there is something to read", async () => {
  const poller = openPoller();
  using pipe = openPipe();
  const told = once(poller, pipe.read, "readable");
  writeSome(pipe.write, new Uint8Array(1));
  assertEquals(await told, { readable: true, writable: false, hangup: false });
  await poller.close();
});

Deno.test("watch() tells of the hangup when the other end is closed", async () => {
  const poller = openPoller();
  const { read, write } = makePipe();
  const told = once(poller, read, "readable");
  closeFd(write);
  const { readable, hangup } = await told;
  assertEquals({ readable, hangup }, { readable: true, hangup: true });
  closeFd(read);
  await poller.close();
});

Deno.test("watch() tells nothing while its interest is none, and again after", async () => {
  const poller = openPoller();
  using quiet = openPipe();
  using other = openPipe();
  let told = 0;
  const watch = poller.watch(quiet.read, "readable", () => {
    told++;
    watch.update("none");
  });
  writeSome(quiet.write, new Uint8Array(1));
  // Epoll has been asked since, and would have told again.
  for (let round = 0; round < 3; round++) {
    await once(poller, other.write, "writable");
  }
  assertEquals(told, 1);
  watch.update("readable");
  await once(poller, other.write, "writable");
  await once(poller, other.write, "writable");
  assertEquals(told, 2);
  watch[Symbol.dispose]();
  await poller.close();
});

Deno.test("watch() serves a hundred pipes when all are written at once", async () => {
  const poller = openPoller();
  using pipes = new DisposableStack();
  const told = Array.from({ length: 100 }, () => {
    const pipe = pipes.use(openPipe());
    writeSome(pipe.write, new Uint8Array(1));
    return once(poller, pipe.read, "readable");
  });
  assertEquals((await Promise.all(told)).length, 100);
  await poller.close();
});

Deno.test("watch() throws EPERM for what is always ready", async () => {
  const poller = openPoller();
  const zero = openFifo("/dev/zero", "read");
  const error = assertThrows(() => poller.watch(zero, "readable", () => {}));
  assertEquals(hasErrno(error, ERRNO.EPERM), true);
  closeFd(zero);
  await poller.close();
});

Deno.test("close() settles when somebody still watches", async () => {
  const poller = openPoller();
  using pipe = openPipe();
  poller.watch(pipe.read, "readable", () => {});
  await poller.close();
  await poller.close();
});

Deno.test("openPoller() leaves the process free to end when nothing is watched", async () => {
  const poller = openPoller();
  using pipe = openPipe();
  await once(poller, pipe.write, "writable");
  // Not closed: a waiting thread would be found by the sanitizer.
  using _closed = poller;
  await new Promise((resolve) => setTimeout(resolve, 0));
});
