import { assertEquals } from "@std/assert";
import type { Container } from "../core/container.ts";
import type { ContainerSettings } from "../core/container_settings.ts";
import { shownConfig, shownHealth } from "./inspect_config.ts";

const CONTAINER: Container = {
  id: "a".repeat(64),
  labels: { mine: "yes", "coracle/name": "web" },
  image: "docker.io/library/boat:latest",
  runtime: { name: "runc" },
  snapshotter: "overlayfs",
  snapshotKey: "a",
  sandboxId: "",
  extensions: {},
  createdAt: new Date(0),
  updatedAt: new Date(0),
};
const SPEC = {
  process: {
    args: ["sh"],
    env: ["PATH=/bin", "HOSTNAME=aaa", "HOME=/root"],
    cwd: "/",
    user: { uid: 0, gid: 0 },
  },
};
const SETTINGS: ContainerSettings = {
  removal: "keep",
  stdio: "streams",
  stdin: "closed",
  restart: { kind: "no" },
  log: { driver: "json-file", options: {} },
  stopSignal: 15,
  stopTimeoutSeconds: 10,
  hostname: "aaa",
  network: "host",
  entrypoint: [],
  words: { env: ["PATH=/bin"] },
};

const shown = (settings: ContainerSettings | undefined) => {
  const all = shownConfig({
    container: CONTAINER,
    spec: SPEC,
    settings,
    image: undefined,
  });
  return ["User", "Env", "WorkingDir", "Cmd", "Entrypoint", "StopSignal"].map(
    (key) => all[key],
  );
};

Deno.test("shownConfig() shows nothing that the engine adds", () => {
  const said = ["", ["PATH=/bin"], "", null, null, undefined];
  assertEquals(shown(SETTINGS), said);
});

Deno.test("shownConfig() takes from the spec what nobody has written down", () => {
  const { env } = SPEC.process;
  assertEquals(
    shown(undefined),
    ["0:0", env, "/", ["sh"], null, "SIGTERM"],
  );
  const { words: _, ...before } = SETTINGS;
  assertEquals(shown(before), ["0:0", env, "/", null, null, "SIGTERM"]);
});

Deno.test("shownHealth() has durations in nanoseconds, and what is said", () => {
  assertEquals(shownHealth("none"), { Test: ["NONE"] });
  assertEquals(shownHealth({ intervalMs: 1500, retries: 2 }), {
    Interval: 1.5e9,
    Retries: 2,
  });
  assertEquals(shownHealth({ command: ["/bin/sh", "-c", "true"] }), {
    Test: ["CMD-SHELL", "true"],
  });
  assertEquals(shownHealth({ command: ["true"] }), { Test: ["CMD", "true"] });
});
