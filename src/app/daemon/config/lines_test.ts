import { assertEquals } from "@std/assert";
import { keyLines } from "./lines.ts";

const TEXT = `# comment = 1
version = 2
list = [
  "a = 1",
  "b]",
]
long = """
fake = 1
[nor.this]
"""
[grpc] # where
  address = "/x" # y = 1
  'uid' = 1
[plugins."io.containerd.gc.v1.scheduler"]
  pause_threshold = 0.1
  inline = { deep = 1 }
dotted."a.b".c = 3
[[many]]
  one = 1
`;

Deno.test("keyLines() finds keys where they stand, however they are written", () => {
  const lines = keyLines(TEXT);
  const uri = "io.containerd.gc.v1.scheduler";
  assertEquals(lines(["version"]), 2);
  assertEquals(lines(["list"]), 3);
  assertEquals(lines(["grpc"]), 11);
  assertEquals(lines(["grpc", "address"]), 12);
  assertEquals(lines(["grpc", "uid"]), 13);
  assertEquals(lines(["plugins", uri, "pause_threshold"]), 15);
  assertEquals(lines(["plugins", uri, "inline", "deep"]), 16);
  assertEquals(lines(["plugins", uri, "dotted", "a.b", "c"]), 17);
  assertEquals(lines(["many", "one"]), 19);
});

Deno.test("keyLines() takes nothing within a value for a key", () => {
  const lines = keyLines(TEXT);
  for (const name of ["comment", "a", "fake", "nor", "y"]) {
    assertEquals(lines([name]), undefined, name);
  }
});
