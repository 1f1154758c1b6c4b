import { assertEquals } from "@std/assert";
import { EngineError } from "../base/errors.ts";
import { type GivenFlags, serviceFlags } from "./service_flags.ts";

const none = () => undefined;

/** What is said of flags that no service can have, with the hint. */
function refusal(given: GivenFlags): readonly (string | undefined)[] {
  try {
    serviceFlags(given, none);
  } catch (error) {
    if (error instanceof EngineError) return [error.message, error.hint];
    throw error;
  }
  throw new Error("They are not refused");
}

Deno.test("serviceFlags() has what is said, and nothing else", () => {
  const env = (name: string) =>
    ({
      CORACLE_ROOT: "/lost",
      CORACLE_STATE: "/y/",
      CONTAINERD_ADDRESS: "/run/other.sock",
    })[name];
  assertEquals(serviceFlags({}, none), {});
  assertEquals(serviceFlags({ root: "/x" }, env), { root: "/x", state: "/y" });
  assertEquals(
    serviceFlags({ address: "/s", debug: true, logFormat: "json" }, none),
    { address: "/s", logLevel: "debug", logFormat: "json" },
  );
  assertEquals(serviceFlags({ address: "unix:///s" }, none), {
    address: "/s",
  });
  assertEquals(
    serviceFlags({ debug: true, logLevel: "warn" }, none),
    { logLevel: "warn" },
  );
});

Deno.test("serviceFlags() refuses what the daemon does not have", () => {
  assertEquals(refusal({ namespace: "a" }), [
    'Cannot use --namespace "a" for a service',
    "Leave it out: the daemon serves all namespaces",
  ]);
  assertEquals(refusal({ snapshotter: "native" }), [
    'Cannot use --snapshotter "native" for a service',
    'Write snapshotter = "native" into the daemon\'s configuration',
  ]);
  assertEquals(refusal({ runtime: "/a b/crun" }), [
    'Cannot use --runtime "/a b/crun" for a service',
    'Write runtime = "/a b/crun" into the daemon\'s configuration',
  ]);
});

Deno.test("serviceFlags() refuses paths that are relative, or break a unit", () => {
  const cases: readonly (readonly [GivenFlags, string])[] = [
    [{ root: "x" }, 'Cannot use root directory "x": not an absolute path'],
    [{ state: "" }, 'Cannot use state directory "": not an absolute path'],
    [{ address: "s" }, 'Cannot listen on "s": not an absolute path'],
    [
      { root: "/a\nb" },
      'Cannot use root directory "/a\\nb" for a service: systemd\'s units ' +
      "can't have such a path",
    ],
    [
      { address: "/a\\" },
      'Cannot use socket "/a\\\\" for a service: systemd\'s units ' +
      "can't have such a path",
    ],
  ];
  for (const [given, message] of cases) {
    assertEquals(refusal(given)[0], message);
  }
});
