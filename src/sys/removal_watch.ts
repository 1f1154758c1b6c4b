/** Noticing that a directory is deleted or moved away. @see inotify(7) */

import { closeFd, readSome } from "./descriptors.ts";
import { SysError } from "./errno.ts";
import { coldSymbols, cstr, errno } from "./libc.ts";
import type { Poller } from "./poller.ts";

const inotifySymbols = coldSymbols({
  inotify_init1: { parameters: ["i32"], result: "i32" },
  inotify_add_watch: { parameters: ["i32", "buffer", "u32"], result: "i32" },
});

const IN_NONBLOCK = 0o4000;
const IN_CLOEXEC = 0o2000000;
const IN_DELETE_SELF = 0x400;
const IN_MOVE_SELF = 0x800;
const EVENTS_BYTES = 4096;

/**
 * Calls back once. Nobody may have the directory as its working directory, or
 * the kernel does not say that it was deleted.
 * @throws {SysError} EMFILE if the user has too many of these; there are 128
 */
export function watchRemoval(
  poller: Poller,
  directory: string,
  callback: () => void,
): Disposable {
  using cleanup = new DisposableStack();
  const symbols = inotifySymbols();
  const fd = symbols.inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
  if (fd < 0) throw new SysError("watch", errno(), directory);
  cleanup.defer(() => closeFd(fd));
  const mask = IN_DELETE_SELF | IN_MOVE_SELF;
  if (symbols.inotify_add_watch(fd, cstr(directory), mask) < 0) {
    throw new SysError("watch", errno(), directory);
  }
  cleanup.use(poller.watch(fd, "readable", () => {
    if (readSome(fd, new Uint8Array(EVENTS_BYTES)) === "again") return;
    owned.dispose();
    callback();
  }));
  const owned = cleanup.move();
  return owned;
}
