import { assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import { EngineError } from "./errors.ts";
import {
  familiarName,
  formatReference,
  parseReference,
  type Reference,
} from "./reference.ts";

const DIGEST = `sha256:${"0123456789abcdef".repeat(4)}`;

for (
  const [text, full, familiar] of [
    ["alpine", "docker.io/library/alpine:latest", "alpine:latest"],
    ["alpine:3.22", "docker.io/library/alpine:3.22", "alpine:3.22"],
    ["library/alpine", "docker.io/library/alpine:latest", "alpine:latest"],
    ["docker.io/alpine", "docker.io/library/alpine:latest", "alpine:latest"],
    ["index.docker.io/a/b", "docker.io/a/b:latest", "a/b:latest"],
    ["user/app", "docker.io/user/app:latest", "user/app:latest"],
    ["a/b/c/d", "docker.io/a/b/c/d:latest", "a/b/c/d:latest"],
    ["quay.io/x/y:v1", "quay.io/x/y:v1", "quay.io/x/y:v1"],
    ["localhost/x", "localhost/x:latest", "localhost/x:latest"],
    ["localhost:5000/x", "localhost:5000/x:latest", "localhost:5000/x:latest"],
    ["127.0.0.1:5000/x:y", "127.0.0.1:5000/x:y", "127.0.0.1:5000/x:y"],
    ["[::1]:5000/x", "[::1]:5000/x:latest", "[::1]:5000/x:latest"],
    ["HOST/x", "HOST/x:latest", "HOST/x:latest"],
    ["a__b-c--d.e_f", "docker.io/library/a__b-c--d.e_f:latest", undefined],
    [`alpine@${DIGEST}`, `docker.io/library/alpine@${DIGEST}`, undefined],
    [`x/y:z@${DIGEST}`, `docker.io/x/y:z@${DIGEST}`, `x/y:z@${DIGEST}`],
    ["alpine:5000", "docker.io/library/alpine:5000", "alpine:5000"],
    ["docker.io/my.team/app", "docker.io/my.team/app:latest", undefined],
    ["docker.io/localhost/app", "docker.io/localhost/app:latest", undefined],
  ] as const
) {
  Deno.test(`parseReference() reads ${text} as Docker does`, () => {
    const reference = parseReference(text);
    assertEquals(formatReference(reference), full);
    if (familiar !== undefined) {
      assertEquals(familiarName(reference), familiar);
    }
    assertEquals(parseReference(familiarName(reference)), reference);
  });
}

for (
  const [text, said] of [
    ["", "empty"],
    ["host:99999/x", `"99999" is not a port`],
    [" alpine", "white space"],
    ["alpine\n", "white space"],
    ["https://quay.io/x", `it starts with "https://"`],
    ["docker://alpine", `it starts with "docker://"`],
    ["a".repeat(64), "could be taken for an id"],
    ["Alpine", "lower case"],
    ["user/App", "lower case"],
    ["alpine:", `"" is not a tag`],
    ["alpine:-x", `"-x" is not a tag`],
    ["alpine:" + "x".repeat(129), "is not a tag"],
    ["alpine:a:b", `"a:b" is not a tag`],
    ["alpine@", `"" is not a digest`],
    ["alpine@sha256:12", `"sha256:12" is not a digest`],
    ["/alpine", "is empty"],
    ["a//b", "is empty"],
    ["alpine/", "is empty"],
    ["quay.io/", "is empty"],
    ["-bad.io/x", `"-bad.io" is not a host`],
    ["host:port/x", `"host:port" is not a host`],
    ["a..b", `"a..b" is not a part`],
    ["../etc", `".." is not a host`],
    ["x/../y", `".." is not a part`],
    ["a___b", `"a___b" is not a part`],
    ["quay.io/" + "a/".repeat(130) + "b", "longer than 255"],
  ] as const
) {
  Deno.test(`parseReference() refuses ${JSON.stringify(text.slice(0, 24))}`, () => {
    const error = assertThrows(() => parseReference(text), EngineError, said);
    assertEquals(error.code, "invalidArgument");
    assertEquals(error.hint === undefined, false);
  });
}

const word = fc.stringMatching(/^[a-z0-9]{1,8}$/);
const component = fc.tuple(
  word,
  fc.constantFrom("", ".", "_", "__", "-", "---"),
  word,
).map((parts) => parts.join(""));
const reference: fc.Arbitrary<Reference> = fc.record({
  domain: fc.constantFrom("docker.io", "quay.io", "localhost", "h:1", "[::1]"),
  path: fc.array(component, { minLength: 2, maxLength: 4 })
    .map((parts) => parts.join("/")),
  tag: fc.stringMatching(/^\w[\w.-]{0,20}$/),
  digest: fc.constant(DIGEST as NonNullable<Reference["digest"]>),
}, { requiredKeys: ["domain", "path"] }).map((parts) =>
  parts.tag === undefined && parts.digest === undefined
    ? { ...parts, tag: "latest" }
    : parts
) as fc.Arbitrary<Reference>;

Deno.test("parseReference() undoes formatReference() and familiarName()", () => {
  fc.assert(fc.property(reference, (wanted) => {
    assertEquals(parseReference(formatReference(wanted)), wanted);
    assertEquals(parseReference(familiarName(wanted)), wanted);
  }));
});

Deno.test("parseReference() throws nothing but invalidArgument when given noise", () => {
  const noise = fc.string({ unit: fc.constantFrom(..."aZ09.:/@_-[] %\0ü") });
  fc.assert(
    fc.property(noise, (text) => {
      try {
        const parsed = parseReference(text);
        assertEquals(parseReference(formatReference(parsed)), parsed);
      } catch (error) {
        return error instanceof EngineError && error.code === "invalidArgument";
      }
      return true;
    }),
    { numRuns: 1000 },
  );
});

Deno.test("parseReference() asks for a name when there is only a tag", () => {
  const error = assertThrows(() => parseReference(":1"), EngineError);
  assertEquals(error.hint, "Put a name first");
});
