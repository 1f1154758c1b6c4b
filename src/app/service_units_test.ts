import { assertEquals, assertMatch } from "@std/assert";
import type { ServiceFlags } from "./service_flags.ts";
import { serviceUnits, type UnitOptions } from "./service_units.ts";

const PROGRAM = ["/usr/bin/coracle"];

/** The lines of both units that flags change. */
function lines(
  flags: ServiceFlags,
  scope: UnitOptions["scope"] = "system",
): readonly string[] {
  const units = serviceUnits({ scope, program: PROGRAM, flags });
  const text = units.map(({ text }) => text).join("");
  return text.split("\n")
    .filter((line) => /^(ExecStart|ExecStartPost|ListenStream)=/.test(line));
}

Deno.test("serviceUnits() calls the program as it is without flags", () => {
  const calls = [
    "ExecStart=/usr/bin/coracle daemon",
    "ExecStartPost=-/usr/bin/coracle system start",
  ];
  assertEquals(lines({}), [
    ...calls,
    "ListenStream=/run/coracle/coracle.sock",
  ]);
  assertEquals(lines({}, "user"), [
    ...calls,
    "ListenStream=%t/coracle/coracle.sock",
  ]);
});

Deno.test("serviceUnits() tells both programs the flags, quoted", () => {
  const flags: ServiceFlags = {
    root: '/a b/50%/$HOME/"c"',
    state: "/y",
    address: "/tmp/a %d.sock",
    logLevel: "debug",
    logFormat: "json",
  };
  const store = '--root "/a b/50%%/$$HOME/\\"c\\"" --state /y ' +
    "--log-level debug --log-format json";
  assertEquals(lines(flags), [
    `ExecStart=/usr/bin/coracle daemon ${store} --address "/tmp/a %%d.sock"`,
    `ExecStartPost=-/usr/bin/coracle ${store} system start`,
    "ListenStream=/tmp/a %%d.sock",
  ]);
});

Deno.test("serviceUnits() listens in the state directory that is named", () => {
  for (const scope of ["system", "user"] as const) {
    const [, , listen] = lines({ state: "/x y/%" }, scope);
    assertEquals(listen, "ListenStream=/x y/%%/coracle.sock");
  }
  const [, , listen] = lines({ root: "/x" });
  assertMatch(listen ?? "", /=\/run\/coracle\/coracle\.sock$/);
});
