/** What a container sees does not depend on the umask of who calls. */

import { assertEquals } from "@std/assert";
import { PROGRAM } from "./support/program.ts";
import { IMAGE, openRunStore } from "./support/run_store.ts";

const LOOK = "umask; cat /etc/hosts /etc/resolv.conf >/dev/null && " +
  "stat -c '%a %n' /etc /etc/hosts /hold /deep /deep/er";

Deno.test({
  name: "coracle run with a umask of 077 leaves nothing out of reach",
  ignore: Deno.uid() !== 0,
  fn: async () => {
    await using store = await openRunStore();
    const call = async (...args: readonly string[]) => {
      const { code, stdout, stderr } = await new Deno.Command("sh", {
        args: [
          ...["-c", 'umask 077; exec "$@"', "sh", ...PROGRAM],
          ...[...store.flags, ...args],
        ],
        stdin: "null",
      }).output();
      const decoder = new TextDecoder();
      assertEquals([code, decoder.decode(stderr)], [0, ""], args.join(" "));
      return decoder.decode(stdout);
    };
    const seen = "0022\n755 /etc\n644 /etc/hosts\n755 /hold\n755 /deep\n" +
      "755 /deep/er\n";
    const flags = ["-v", "/hold", "-w", "/deep/er", "-u", "1000"];
    assertEquals(
      await call("run", "--rm", ...flags, IMAGE, "sh", "-c", LOOK),
      seen,
    );
    const cidFile = `${store.dir}/cid`;
    const detached = ["-d", "--name", "web", "--cidfile", cidFile];
    await call("run", ...detached, ...flags, IMAGE, "sleep", "1000");
    assertEquals(await call("exec", "web", "sh", "-c", LOOK), seen);

    // The user's own files are what he wants them to be.
    const saved = `${store.dir}/saved.tar`;
    await call("save", "-o", saved, IMAGE);
    for (const path of [cidFile, saved]) {
      assertEquals(((await Deno.stat(path)).mode ?? 0) & 0o777, 0o600, path);
    }
    await call("rm", "-fv", "web");
    assertEquals(await store.leftovers(), []);
  },
});
