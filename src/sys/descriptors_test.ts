import { assert, assertEquals, assertThrows } from "@std/assert";
import {
  closeFd,
  makeFifo,
  makePipe,
  openDirectoryFd,
  openFifo,
  readSome,
  setBlocking,
  writeSome,
} from "./descriptors.ts";
import { ERRNO, hasErrno, SysError } from "./errno.ts";
import { openPty } from "./pty.ts";

/** libc's symbols stay open; the sanitizer must not count them to a test. */
function prime(): void {
  const { read, write } = makePipe();
  setBlocking(read, "nonblocking");
  readSome(read, new Uint8Array(1));
  writeSome(write, new Uint8Array(1));
  assertThrows(() => makeFifo("/nonexistent/x", 0o600), SysError);
  closeFd(read);
  closeFd(write);
  openPty()[Symbol.dispose]();
}
prime();

function withDirectory(use: (path: string) => void): void {
  const path = Deno.makeTempDirSync();
  try {
    use(path);
  } finally {
    Deno.removeSync(path, { recursive: true });
  }
}

Deno.test("readSome() says again, bytes, then end of file when a pipe is used and closed", () => {
  const { read, write } = makePipe();
  setBlocking(read, "nonblocking");
  const buffer = new Uint8Array(16);
  assertEquals(readSome(read, buffer), "again");
  assertEquals(writeSome(write, new TextEncoder().encode("boat")), 4);
  assertEquals(readSome(read, buffer), 4);
  assertEquals(new TextDecoder().decode(buffer.subarray(0, 4)), "boat");
  closeFd(write);
  assertEquals(readSome(read, buffer), 0);
  closeFd(read);
});

Deno.test("writeSome() says again when a pipe is full, broken when nobody reads", () => {
  const { read, write } = makePipe();
  setBlocking(write, "nonblocking");
  const bytes = new Uint8Array(128 * 1024);
  assertEquals(writeSome(write, bytes), 64 * 1024);
  assertEquals(writeSome(write, bytes), "again");
  closeFd(read);
  assertEquals(writeSome(write, bytes), "broken");
  closeFd(write);
});

Deno.test("readSome() says end of file when nobody has a terminal open any more", () => {
  using pty = openPty();
  // By a child: a terminal that this process opened would become its own if it
  // leads a session, and end it by SIGHUP.
  const args = ["-c", ': <> "$1"', "sh", pty.path];
  assert(new Deno.Command("sh", { args }).outputSync().success);
  assertEquals(readSome(pty.master, new Uint8Array(1)), 0);
});

Deno.test("readSome() throws EBADF for what is not open", () => {
  const error = assertThrows(() => readSome(9999, new Uint8Array(1)));
  assertEquals(hasErrno(error, ERRNO.EBADF), true);
});

Deno.test("openFifo() waits for nobody when it is opened from one end", () => {
  withDirectory((directory) => {
    const path = `${directory}/fifo`;
    makeFifo(path, 0o600);
    const error = assertThrows(() => openFifo(path, "write"));
    assertEquals(hasErrno(error, ERRNO.ENXIO), true);
    const both = openFifo(path, "readWrite");
    const writer = openFifo(path, "write");
    assertEquals(writeSome(writer, new Uint8Array(3)), 3);
    closeFd(writer);
    const buffer = new Uint8Array(8);
    assertEquals(readSome(both, buffer), 3);
    assertEquals(readSome(both, buffer), "again");
    const reader = openFifo(path, "read");
    closeFd(both);
    assertEquals(readSome(reader, buffer), 0);
    closeFd(reader);
  });
});

Deno.test("openDirectoryFd() names a directory when it is used by its number", () => {
  withDirectory((directory) => {
    const fd = openDirectoryFd(directory);
    Deno.writeTextFileSync(`/proc/self/fd/${fd}/x`, "boat");
    closeFd(fd);
    assertEquals(Deno.readTextFileSync(`${directory}/x`), "boat");
    const error = assertThrows(() => openDirectoryFd(`${directory}/x`));
    assertEquals(hasErrno(error, ERRNO.ENOTDIR), true);
  });
});
