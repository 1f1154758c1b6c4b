import { assertEquals, assertThrows } from "@std/assert";
import { EngineError } from "../../base/errors.ts";
import { parseMount } from "./mount_fields.ts";

const mount = (text: string) => parseMount(text, "/home/me");

Deno.test("parseMount() reads fields in any order and by any name", () => {
  assertEquals(mount("dst=/d,ro,type=bind,src=s"), {
    kind: "bind",
    source: "/home/me/s",
    target: "/d",
    access: "readonly",
    missing: "fail",
    options: ["rbind", "rprivate"],
  });
  assertEquals(mount("type=tmpfs,target=/t,tmpfs-size=1m,tmpfs-mode=1770"), {
    kind: "tmpfs",
    target: "/t",
    options: ["nosuid", "nodev", "noexec", "size=1048576", "mode=1770"],
  });
  assertEquals(mount("source=hold,target=/h,readonly=false").kind, "volume");
  assertEquals(mount("src=hold,dst=/h,volume-nocopy,volume-driver=local"), {
    kind: "volume",
    name: "hold",
    target: "/h",
    access: "writable",
    start: "empty",
  });
});

Deno.test("parseMount() refuses what docker refuses", () => {
  for (
    const [text, message] of [
      ["type=bind,source=/s", "target is required"],
      ["type=bind,target=/t", "field Source must not be empty"],
      ["type=magic,target=/t", "mount type unknown"],
      ["colour=red,target=/t", "unexpected key 'colour'"],
      ["type=bind,source,target=/t", "must be a key=value pair"],
      ["target=/t,readonly=maybe", "invalid value for readonly"],
      ["type=tmpfs,src=/s,target=/t", "field Source must not be specified"],
      [
        "type=bind,source=/s,target=/t,volume-nocopy",
        "cannot mix 'volume-*' options with mount type 'bind'",
      ],
      [
        "target=/t,bind-propagation=rslave",
        "cannot mix 'bind-*' options with mount type 'volume'",
      ],
      ["target=/t,tmpfs-size=1m", "cannot mix 'tmpfs-*' options"],
      ["target=/t,volume-driver=nfs", 'plugin "nfs" not found'],
      ["target=/t,volume-label=a=b", 'Cannot use volume-label "a=b"'],
      ["target=/t,volume-opt=type=nfs", 'Cannot use volume-opt "type=nfs"'],
      ["target=/t,volume-nocopy=maybe", "invalid value for volume-nocopy"],
    ] as const
  ) assertThrows(() => mount(text), EngineError, message, text);
});
