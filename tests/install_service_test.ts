/** The daemon's units for systemd. */

import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { isThere } from "../src/sys/is_there.ts";
import { coracle } from "./support/coracle.ts";

Deno.test("install-service writes units that say how the daemon lives", async () => {
  const dir = await Deno.makeTempDir({ prefix: "coracle-units-" });
  try {
    const args = ["install-service", "--directory", dir];
    const { code, stdout } = await coracle(args);
    assertEquals(code, 0);
    assertStringIncludes(stdout, "systemctl enable --now coracle.socket");
    const service = await Deno.readTextFile(`${dir}/coracle.service`);
    for (const line of ["KillMode=process", "Delegate=yes", "Type=notify"]) {
      assertStringIncludes(service, `${line}\n`);
    }
    assertMatch(service, /^ExecStartPost=-.* system start$/m);
    await verifyUnits(dir);
    assertEquals((await coracle(args)).code, 0, "its own it replaces");
    await Deno.writeTextFile(`${dir}/coracle.service`, "[Unit]\n");
    const refused = await coracle(args);
    assertEquals(refused.code, 1);
    assertStringIncludes(refused.stderr, "has not written it");
    const kept = await Deno.readTextFile(`${dir}/coracle.service`);
    assertEquals(kept, "[Unit]\n");
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
});

Deno.test("install-service keeps the flags that it is called with", async () => {
  const dir = await Deno.makeTempDir({ prefix: "coracle-units-" });
  try {
    const install = ["install-service", "--directory", `${dir}/units`];
    const { code, stderr } = await coracle([
      ...["--root", `${dir}/a 50%`, "-a", `${dir}/a %d.sock`, "-l", "debug"],
      ...install,
    ], { env: { CORACLE_STATE: `${dir}/state/` } });
    assertEquals(code, 0, stderr);
    const service = await Deno.readTextFile(`${dir}/units/coracle.service`);
    const store = `--root "${dir}/a 50%%" --state ${dir}/state ` +
      "--log-level debug";
    for (
      const line of [
        ` daemon ${store} --address "${dir}/a %%d.sock"\n`,
        ` ${store} system start\n`,
      ]
    ) {
      assertStringIncludes(service, line);
    }
    assertStringIncludes(
      await Deno.readTextFile(`${dir}/units/coracle.socket`),
      `ListenStream=${dir}/a %%d.sock\n`,
    );
    await verifyUnits(`${dir}/units`);
    const refused = await coracle(["--runtime", "crun", ...install]);
    assertEquals(refused.code, 1);
    assertStringIncludes(
      refused.stderr,
      'Cannot use --runtime "crun" for a service',
    );
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
});

/** By systemd's own opinion, where it is installed. */
async function verifyUnits(dir: string): Promise<void> {
  if (!isThere("/usr/bin/systemd-analyze")) return;
  const { stderr } = await new Deno.Command("systemd-analyze", {
    args: ["verify", `${dir}/coracle.service`, `${dir}/coracle.socket`],
    stdin: "null",
  }).output();
  const said = new TextDecoder().decode(stderr).split("\n")
    .filter((line) => line.includes(dir));
  assertEquals(said, []);
}
