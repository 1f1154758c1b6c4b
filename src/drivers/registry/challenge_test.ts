import { assertEquals } from "@std/assert";
import fc from "fast-check";
import { parseChallenges } from "./challenge.ts";

for (
  const [header, wanted] of [
    [
      `Bearer realm="https://auth.docker.io/token",service="registry.docker.io",scope="repository:a/b:pull,push"`,
      [{
        scheme: "bearer",
        parameters: {
          realm: "https://auth.docker.io/token",
          service: "registry.docker.io",
          scope: "repository:a/b:pull,push",
        },
      }],
    ],
    [
      `Basic realm="x", Bearer realm=plain , error="invalid_token"`,
      [
        { scheme: "basic", parameters: { realm: "x" } },
        {
          scheme: "bearer",
          parameters: { realm: "plain", error: "invalid_token" },
        },
      ],
    ],
    [
      String.raw`BASIC Realm="say \"hi\", you"`,
      [{ scheme: "basic", parameters: { realm: `say "hi", you` } }],
    ],
    ["Negotiate", [{ scheme: "negotiate", parameters: {} }]],
    [
      "Negotiate, Basic realm=r",
      [
        { scheme: "negotiate", parameters: {} },
        { scheme: "basic", parameters: { realm: "r" } },
      ],
    ],
    ["", []],
    ["=,=", []],
  ] as const
) {
  Deno.test(`parseChallenges() reads ${header.slice(0, 40)}`, () => {
    assertEquals<unknown>(parseChallenges(header), wanted);
  });
}

Deno.test("parseChallenges() ends, whatever it is given", () => {
  const noise = fc.string({ unit: fc.constantFrom(...`aB ,="\\-\t`) });
  fc.assert(fc.property(noise, (text) => {
    parseChallenges(text);
  }));
});
