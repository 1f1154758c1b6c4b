import type { Poller } from "./poller.ts";

/**
 * Calls back once, when a file has been deleted and nobody has it open.
 * @throws {SysError} also if there is no such file
 */
export function watchRemoval(
  poller: Poller,
  file: string,
  callback: () => void,
): Disposable {
  const watch = poller.watchFile(file, "deleted", () => {
    watch[Symbol.dispose]();
    callback();
  });
  return watch;
}
