/** Noticing that a file is deleted. @see inotify(7) */

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
const EVENTS_BYTES = 4096;

/**
 * Calls back once, when nobody has the file open any more either. Not for
 * directories: what lies below and is in use keeps the kernel from telling.
 * @throws {SysError} EMFILE if the user has too many of these; there are 128
 */
export function watchRemoval(
  poller: Poller,
  file: string,
  callback: () => void,
): Disposable {
  using cleanup = new DisposableStack();
  const symbols = inotifySymbols();
  const fd = symbols.inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
  if (fd < 0) throw new SysError("watch", errno(), file);
  cleanup.defer(() => closeFd(fd));
  if (symbols.inotify_add_watch(fd, cstr(file), IN_DELETE_SELF) < 0) {
    throw new SysError("watch", errno(), file);
  }
  cleanup.use(poller.watch(fd, "readable", () => {
    if (readSome(fd, new Uint8Array(EVENTS_BYTES)) === "again") return;
    owned.dispose();
    callback();
  }));
  const owned = cleanup.move();
  return owned;
}
