import { assertEquals } from "@std/assert";
import { memoryRequest } from "./memory_request.ts";

Deno.test("memoryRequest() asks for what this kernel can do, and says what not", () => {
  const said: string[] = [];
  const ask = (...files: readonly string[]) =>
    memoryRequest(
      { swappiness: 0, oomKill: "disabled" },
      { exists: (path) => files.some((file) => path.endsWith(`/${file}`)) },
      (message) => void said.push(message),
    );
  assertEquals(ask("memory.swappiness", "memory.oom_control"), {
    swappiness: 0,
    disableOOMKiller: true,
  });
  assertEquals(said, []);
  assertEquals(ask("memory.swappiness"), { swappiness: 0 });
  assertEquals(ask(), undefined);
  assertEquals(said.map((message) => message.split(" ").at(-2)), [
    "OomKillDisable",
    "swappiness",
    "OomKillDisable",
  ]);
  assertEquals(
    memoryRequest({}, { exists: () => true }, () => {}),
    undefined,
  );
});
