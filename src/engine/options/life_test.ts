import { assertEquals, assertThrows } from "@std/assert";
import { EngineError } from "../../base/errors.ts";
import { healthCheck, parseHealth } from "./health.ts";
import { parseRestartPolicy } from "./restart.ts";

Deno.test("parseRestartPolicy() reads docker's policies", () => {
  assertEquals(parseRestartPolicy("no"), { kind: "no" });
  assertEquals(parseRestartPolicy(""), { kind: "no" });
  assertEquals(parseRestartPolicy("always"), { kind: "always" });
  assertEquals(parseRestartPolicy("on-failure"), {
    kind: "on-failure",
    most: 0,
  });
  assertEquals(parseRestartPolicy("on-failure:3"), {
    kind: "on-failure",
    most: 3,
  });
});

Deno.test("parseRestartPolicy() refuses others when they make no sense", () => {
  for (const text of ["sometimes", "always:3", "on-failure:x", "no:1"]) {
    assertThrows(
      () => parseRestartPolicy(text),
      EngineError,
      "invalid restart policy",
    );
  }
});

const IMAGE = {
  Healthcheck: {
    Test: ["CMD-SHELL", "wget -q localhost"],
    Interval: 5_000_000_000,
    Retries: 7,
  },
};

Deno.test("healthCheck() takes the image's unless flags say otherwise", () => {
  const asked = parseHealth({ disable: "no", timeout: "2s" });
  assertEquals(healthCheck(asked, IMAGE), {
    command: ["/bin/sh", "-c", "wget -q localhost"],
    intervalMs: 5000,
    timeoutMs: 2000,
    startPeriodMs: 0,
    startIntervalMs: 5000,
    retries: 7,
  });
  const own = parseHealth({ disable: "no", command: "true", retries: 1 });
  const check = healthCheck(own, IMAGE);
  assertEquals(check?.command, ["/bin/sh", "-c", "true"]);
  assertEquals(check?.retries, 1);
});

Deno.test("healthCheck() is undefined when nothing is to be probed", () => {
  const nothing = parseHealth({ disable: "no", interval: "1s" });
  assertEquals(healthCheck(nothing, {}), undefined);
  assertEquals(healthCheck(parseHealth({ disable: "yes" }), IMAGE), undefined);
  const none = { Healthcheck: { Test: ["NONE"] } };
  assertEquals(healthCheck(parseHealth({ disable: "no" }), none), undefined);
});

Deno.test("parseHealth() refuses contradictions", () => {
  assertThrows(
    () => parseHealth({ disable: "yes", command: "true" }),
    EngineError,
    "--no-healthcheck conflicts",
  );
  assertThrows(
    () => parseHealth({ disable: "no", interval: "10us" }),
    EngineError,
    "cannot be less than 1ms",
  );
});
