import { assertEquals, assertThrows } from "@std/assert";
import { EngineError } from "../base/errors.ts";
import { findRuntime, RuntimeCommands } from "./oci_runtime.ts";

const lookup = {
  find: (name: string) => name === "runc" ? "/usr/sbin/runc" : undefined,
  exists: (path: string) => path === "/opt/crun",
};

Deno.test("findRuntime() takes names, paths and containerd's names", () => {
  const runc = { name: "runc", path: "/usr/sbin/runc" };
  assertEquals(findRuntime("runc", lookup), runc);
  assertEquals(findRuntime("io.containerd.runc.v2", lookup), runc);
  assertEquals(findRuntime("/opt/crun", lookup).name, "crun");
});

Deno.test("findRuntime() says what to install when a runtime is missing", () => {
  const hint = (name: string) =>
    assertThrows(() => findRuntime(name, lookup), EngineError, name).hint;
  assertEquals(hint("crun"), "Install it: apt-get install crun");
  for (const name of ["youki", "runsc", "other", "/no/such"]) {
    assertEquals(typeof hint(name), "string");
  }
});

Deno.test("RuntimeCommands put the files before the verb", () => {
  const commands = new RuntimeCommands({ root: "/r", log: "/l" });
  const files = "--root /r --log /l --log-format json";
  const text = (args: readonly string[]) => args.join(" ");
  assertEquals(text(commands.run("a", "/b")), `${files} run --bundle /b a`);
  assertEquals(
    text(commands.create("a", "/b", { pidFile: "/p" })),
    `${files} create --bundle /b --pid-file /p a`,
  );
  assertEquals(text(commands.kill("a", 9)), `${files} kill a 9`);
  assertEquals(
    text(commands.delete("a", "force")),
    `${files} delete --force a`,
  );
  assertEquals(
    text(commands.exec("a", { process: "/p", wait: "detached" })),
    `${files} exec --process /p --detach a`,
  );
});
