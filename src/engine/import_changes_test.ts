import { assertEquals, assertThrows } from "@std/assert";
import { EngineError } from "../base/errors.ts";
import { applyChanges } from "./import_changes.ts";

Deno.test("applyChanges() takes commands as JSON or for the shell", () => {
  assertEquals(applyChanges({}, ['CMD ["a", "b c"]']).Cmd, ["a", "b c"]);
  assertEquals(applyChanges({}, ["cmd a b"]).Cmd, ["/bin/sh", "-c", "a b"]);
  assertEquals(applyChanges({}, ["ENTRYPOINT []"]).Entrypoint, []);
  assertEquals(applyChanges({}, ["CMD [broken"]).Cmd, [
    "/bin/sh",
    "-c",
    "[broken",
  ]);
});

Deno.test("applyChanges() reads variables with quotes, and the old form", () => {
  const env = (...changes: readonly string[]) =>
    applyChanges({ Env: ["PATH=/bin", "A=0"] }, changes).Env;
  assertEquals(env(`ENV A=1 B="two words" C=three\\ w D='x y'`), [
    "PATH=/bin",
    "A=1",
    "B=two words",
    "C=three w",
    "D=x y",
  ]);
  assertEquals(env("ENV A one = two"), ["PATH=/bin", "A=one = two"]);
  assertEquals(env("ENV A=1", "ENV A=2"), ["PATH=/bin", "A=2"]);
});

Deno.test("applyChanges() adds ports, volumes and labels", () => {
  const config = applyChanges({}, [
    "EXPOSE 80 53/UDP 7000-7001",
    'VOLUME ["/a b", "/c"]',
    "VOLUME /d /e",
    `LABEL k="v w" x=`,
    "USER 1:2",
    "WORKDIR /srv",
    "STOPSIGNAL SIGINT",
    "ONBUILD RUN true",
  ]);
  assertEquals(Object.keys(config.ExposedPorts ?? {}), [
    "80/tcp",
    "53/udp",
    "7000/tcp",
    "7001/tcp",
  ]);
  assertEquals(Object.keys(config.Volumes ?? {}), ["/a b", "/c", "/d", "/e"]);
  assertEquals(config.Labels, { k: "v w", x: "" });
  assertEquals([config.User, config.WorkingDir], ["1:2", "/srv"]);
  assertEquals([config.StopSignal, config.OnBuild], ["SIGINT", ["RUN true"]]);
});

const MALFORMED = [
  "",
  "CMD",
  "FROM x",
  "RUN true",
  "ENV A",
  "LABEL =x",
  "EXPOSE x",
  "EXPOSE 80/quic",
  "EXPOSE 9-8",
  "EXPOSE 70000",
  "toString x",
];

for (const change of MALFORMED) {
  Deno.test(`applyChanges() refuses "${change}"`, () => {
    assertThrows(() => applyChanges({}, [change]), EngineError, change);
  });
}
