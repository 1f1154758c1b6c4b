import { assertEquals } from "@std/assert";
import { closeFd, makeFifo, openFifo } from "./descriptors.ts";
import { fifoReaders } from "./fifo_readers.ts";

Deno.test({
  name: "fifoReaders() finds who reads, not who writes only",
  // libc's symbols stay open.
  sanitizeResources: false,
  fn: () => {
    const dir = Deno.makeTempDirSync({ prefix: "coracle-fifo-" });
    using owned = new DisposableStack();
    owned.defer(() => Deno.removeSync(dir, { recursive: true }));
    const path = `${dir}/fifo`;
    makeFifo(path, 0o600);
    const pids = () => fifoReaders(path).map(({ pid }) => pid);
    assertEquals(pids(), []);
    const both = openFifo(path, "readWrite");
    assertEquals(pids(), [Deno.pid]);
    owned.adopt(openFifo(path, "write"), closeFd);
    closeFd(both);
    assertEquals(pids(), []);
    owned.adopt(openFifo(path, "read"), closeFd);
    const [reader] = fifoReaders(path);
    assertEquals(reader?.name, Deno.readTextFileSync("/proc/self/comm").trim());
  },
});
