import { assertEquals, assertThrows } from "@std/assert";
import { EngineError } from "../../base/errors.ts";
import { normalize, parseTmpfs, parseVolume } from "./mounts.ts";

const volume = (text: string) => parseVolume(text, "/home/me");

Deno.test("parseVolume() takes paths for directories of the host", () => {
  assertEquals(volume("/src:/dst:ro,rslave,Z"), {
    kind: "bind",
    source: "/src",
    target: "/dst",
    missing: "create",
    access: "readonly",
    options: ["rbind", "rslave"],
  });
  const relative = volume("./a/../b:/dst/");
  assertEquals(relative.kind === "bind" && relative.source, "/home/me/b");
  assertEquals(relative.target, "/dst");
});

Deno.test("parseVolume() takes names for volumes, and none for a new one", () => {
  assertEquals(volume("hold:/dst:nocopy"), {
    kind: "volume",
    name: "hold",
    target: "/dst",
    access: "writable",
    start: "empty",
  });
  const anonymous = volume("/dst");
  assertEquals(anonymous.kind, "volume");
  assertEquals("name" in anonymous, false);
});

Deno.test("parseVolume() refuses what docker refuses", () => {
  for (
    const [text, message] of [
      ["", "invalid volume specification"],
      ["a:b:c:d", "invalid volume specification"],
      [":/dst", "invalid volume specification"],
      ["/src:dst", "mount path must be absolute"],
      ["/src:/", "destination can't be '/'"],
      ["/src:/dst:bad", "invalid mode: bad"],
      ["/src:/dst:ro,rw", "invalid mode: ro,rw"],
      ["na me:/dst", "invalid characters for a local volume name"],
      ["/src:/dst:nocopy", "never copied to"],
    ] as const
  ) assertThrows(() => volume(text), EngineError, message, text);
});

Deno.test("parseTmpfs() lets options replace the defaults", () => {
  assertEquals(parseTmpfs("/run:exec,size=64k,mode=755"), {
    kind: "tmpfs",
    target: "/run",
    options: ["nosuid", "nodev", "exec", "size=65536", "mode=755"],
  });
});

Deno.test("parseTmpfs() takes what docker takes, and says what it does not", () => {
  const known = ["ro", "noatime", "rslave", "mpol=bind:0", "nr_inodes=4k"];
  const { kind } = parseTmpfs(`/run:${known.join(",")},size=50%`);
  assertEquals(kind, "tmpfs");
  for (const word of ["bogus", "size", "mode=", "noro", "xexec"]) {
    assertThrows(
      () => parseTmpfs(`/run:${word}`),
      EngineError,
      `invalid tmpfs option ["${word}"]`,
    );
  }
});

Deno.test("normalize() stays below the root", () => {
  assertEquals(normalize("/../a//b/./../c/"), "/a/c");
  assertEquals(normalize("/.."), "/");
});
