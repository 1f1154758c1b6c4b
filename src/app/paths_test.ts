import { assertEquals, assertThrows } from "@std/assert";
import { EngineError } from "../base/errors.ts";
import { configHome, ensureStorePaths, storePaths } from "./paths.ts";

const NOBODY = 4_000_000;

function env(
  variables: Record<string, string>,
): (name: string) => string | undefined {
  return (name) => variables[name];
}

Deno.test("storePaths() uses the system's directories when root", () => {
  assertEquals(storePaths(env({ XDG_RUNTIME_DIR: "/run/user/0" }), 0), {
    root: "/var/lib/coracle",
    state: "/run/coracle",
  });
});

Deno.test("storePaths() uses the XDG directories when an ordinary user", () => {
  const xdg = { XDG_DATA_HOME: "/data", XDG_RUNTIME_DIR: "/run/me" };
  assertEquals(storePaths(env({ HOME: "/home/me", ...xdg }), NOBODY), {
    root: "/data/coracle",
    state: "/run/me/coracle",
  });
  assertEquals(storePaths(env({ HOME: "/home/me" }), NOBODY), {
    root: "/home/me/.local/share/coracle",
    state: `/tmp/coracle-run-${NOBODY}`,
  });
});

Deno.test("storePaths() prefers flags, then variables, then configuration", () => {
  const variables = env({ CORACLE_ROOT: "/env", CORACLE_STATE: "" });
  const configured = { root: "/conf", state: "/conf-state" };
  assertEquals(storePaths(variables, 0, { root: "/flag/" }, configured), {
    root: "/flag",
    state: "/conf-state",
  });
  assertEquals(storePaths(variables, 0, {}, configured).root, "/env");
});

Deno.test("storePaths() throws when a path is relative or home is unknown", () => {
  assertThrows(() => storePaths(env({}), 0, { root: "x" }), EngineError, '"x"');
  assertThrows(() => storePaths(env({}), NOBODY), EngineError, "home");
});

Deno.test("ensureStorePaths() refuses a state directory of somebody else", () => {
  const base = Deno.makeTempDirSync();
  try {
    const paths = { root: `${base}/root`, state: `${base}/state` };
    ensureStorePaths(paths, Deno.uid() ?? 0);
    ensureStorePaths(paths, Deno.uid() ?? 0);
    assertEquals((Deno.statSync(paths.state).mode ?? 0) & 0o777, 0o700);
    assertThrows(
      () => ensureStorePaths(paths, NOBODY),
      EngineError,
      "it belongs to user",
    );
  } finally {
    Deno.removeSync(base, { recursive: true });
  }
});

Deno.test("ensureStorePaths() says which directory can't be made, and why", () => {
  const file = Deno.makeTempFileSync();
  try {
    const paths = { root: `${file}/root`, state: `${file}/state` };
    const error = assertThrows(
      () => ensureStorePaths(paths, NOBODY),
      EngineError,
    );
    assertEquals(
      error.message,
      `Cannot make root directory "${file}/root": Not a directory`,
    );
    assertEquals(error.hint, "Name another one with --root or CORACLE_ROOT");
  } finally {
    Deno.removeSync(file);
  }
});

Deno.test("configHome() is the home's when XDG_CONFIG_HOME is empty or relative", () => {
  const at = (XDG_CONFIG_HOME: string) =>
    configHome(env({ HOME: "/home/me", XDG_CONFIG_HOME }));
  assertEquals(at("/conf"), "/conf");
  assertEquals(at(""), "/home/me/.config");
  assertEquals(at("conf"), "/home/me/.config");
});
