import { assertEquals } from "@std/assert";
import { Descriptor } from "../proto/gen/containerd/types/descriptor.ts";
import { Mount } from "../proto/gen/containerd/types/mount.ts";
import { Platform } from "../proto/gen/containerd/types/platform.ts";

/** Field number and wire type of a length-delimited field, then its bytes. */
function field(number: number, text: string): number[] {
  const bytes = new TextEncoder().encode(text);
  return [number << 3 | 2, bytes.length, ...bytes];
}

Deno.test("Descriptor has containerd's field numbers on the wire", () => {
  const descriptor = {
    mediaType: "a/b",
    digest: "sha256:00",
    size: 300n,
    annotations: { k: "v" },
  };
  const entry = [...field(1, "k"), ...field(2, "v")];
  const bytes = [
    ...field(1, "a/b"),
    ...field(2, "sha256:00"),
    ...[3 << 3, 0xac, 0x02],
    ...[5 << 3 | 2, entry.length, ...entry],
  ];
  assertEquals([...Descriptor.encode(descriptor).finish()], bytes);
  assertEquals(Descriptor.decode(new Uint8Array(bytes)), descriptor);
});

Deno.test("Mount has containerd's field numbers on the wire", () => {
  const mount = {
    type: "overlay",
    source: "overlay",
    target: "",
    options: ["ro", "lowerdir=/a"],
  };
  const bytes = [
    ...field(1, "overlay"),
    ...field(2, "overlay"),
    ...field(4, "ro"),
    ...field(4, "lowerdir=/a"),
  ];
  assertEquals([...Mount.encode(mount).finish()], bytes);
  assertEquals(Mount.decode(new Uint8Array(bytes)), mount);
});

Deno.test("Platform has containerd's field numbers on the wire", () => {
  const platform = {
    os: "linux",
    architecture: "arm64",
    variant: "v8",
    osVersion: "1",
    osFeatures: ["f"],
  };
  const bytes = [
    ...field(1, "linux"),
    ...field(2, "arm64"),
    ...field(3, "v8"),
    ...field(4, "1"),
    ...field(5, "f"),
  ];
  assertEquals([...Platform.encode(platform).finish()], bytes);
  assertEquals(Platform.decode(new Uint8Array(bytes)), platform);
});
