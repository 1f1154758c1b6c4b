import { assertEquals } from "@std/assert";
import { detailedMounts, wishedMount } from "./inspect_mount_details.ts";

const SPEC = {
  mounts: [
    {
      destination: "/b",
      type: "bind",
      source: "/src",
      options: ["rbind", "rslave", "ro"],
    },
    {
      destination: "/v",
      type: "bind",
      source: "/root/volumes/default/hold/_data",
      options: ["rbind", "rprivate", "rw"],
    },
  ],
};

Deno.test("detailedMounts() shows modes as they were typed", () => {
  const modes = (words: Parameters<typeof detailedMounts>[1]) =>
    detailedMounts(SPEC, words).map(({ Mode }) => Mode);
  assertEquals(modes({ volumes: ["/src:/b/:ro,rslave", "hold:/v"] }), [
    ...["ro,rslave", "z"],
  ]);
  assertEquals(modes({ volumes: ["/v"] }), ["", ""]);
  // Of others' containers there are only the options of the spec.
  assertEquals(modes(undefined), ["rbind,rslave,ro", "rbind,rprivate,rw"]);
});

Deno.test("detailedMounts() tells a directory's propagation, and a volume's driver", () => {
  const [bind, volume] = detailedMounts(SPEC, {});
  assertEquals([bind?.Propagation, bind?.Driver], ["rslave", undefined]);
  assertEquals([volume?.Propagation, volume?.Driver], ["", "local"]);
});

Deno.test("wishedMount() leaves out what is as always", () => {
  const bind = {
    kind: "bind",
    source: "/s",
    target: "/t",
    access: "writable",
    missing: "fail",
  } as const;
  assertEquals(wishedMount({ ...bind, options: ["rbind", "rprivate"] }), {
    ...{ Type: "bind", Source: "/s", Target: "/t" },
  });
  assertEquals(
    wishedMount({ ...bind, options: ["bind", "rslave"] }).BindOptions,
    { Propagation: "rslave", NonRecursive: true },
  );
  assertEquals(
    wishedMount({ kind: "tmpfs", target: "/t", options: ["nosuid", "ro"] }),
    { Type: "tmpfs", Target: "/t", ReadOnly: true },
  );
});
