import { assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import { EngineError } from "./errors.ts";
import { type FieldReader, labelField, parseFilters } from "./filters.ts";

const object: FieldReader = (path) => {
  const [first, ...rest] = path;
  if (first === "labels") {
    return labelField({ "a.b": "c", "containerd.io/x": "y,z", k: "" }, rest);
  }
  const fields: Record<string, string> = {
    type: "io.containerd.snapshotter.v1",
    id: "overlayfs",
    topic: "/tasks/exit",
    quote: 'say "hi"',
  };
  return rest.length === 0 ? fields[first ?? ""] : undefined;
};

const matches = (...filters: string[]) => parseFilters(filters)(object);

Deno.test("parseFilters() matches everything when given nothing or an empty filter", () => {
  assertEquals([matches(), matches(""), matches("none", "")], [
    true,
    true,
    true,
  ]);
});

for (
  const [filter, expected] of [
    ["id", true],
    ["nothing", false],
    ["id==overlayfs", true],
    ["id==other", false],
    ["id!=other", true],
    ["nothing!=x", true],
    ["nothing==", "error"],
    ['nothing==""', false],
    ['nothing!=""', false],
    ["type==io.containerd.snapshotter.v1,id==overlayfs", true],
    ["type==io.containerd.snapshotter.v1, id==overlayfs", true],
    ["type==io.containerd.snapshotter.v1, id==native", false],
    [" id == overlayfs ", true],
    ['labels."a.b"==c', true],
    ["labels.a.b==c", true],
    ['labels."containerd.io/x"=="y,z"', true],
    ["labels.k", true],
    ["labels.missing", false],
    ["topic~=|^/tasks/|", true],
    ["topic~=/^\\/tasks\\//", true],
    ["topic~=^/tasks/.*$", true],
    ["topic~=|^/images/|", false],
    ["topic~=(?i)^/TASKS/", true],
    ['quote=="say \\"hi\\""', true],
    ['id=="over\\x6cayfs"', true],
    ['id=="\\u006fverlayfs"', true],
    ['id=="\\157verlayfs"', true],
    ["id=overlayfs", "error"],
    ["id===overlayfs", "error"],
    ["id==overlayfs,", "error"],
    [",id", "error"],
    ["id.", "error"],
    ['id=="open', "error"],
    ["topic==/tasks/exit", true],
    ["topic!=/tasks/exit", false],
    ["topic~=/tasks/exit", "error"],
    ["topic~=(", "error"],
    ["id foo", "error"],
    ["la-bels==x", "error"],
    ['"\\q"==x', "error"],
  ] as const
) {
  Deno.test(`parseFilters() says ${expected} when given ${filter}`, () => {
    if (expected !== "error") return assertEquals(matches(filter), expected);
    const error = assertThrows(() => matches(filter), EngineError);
    assertEquals(error.code, "invalidArgument");
  });
}

Deno.test("parseFilters() matches when one of several filters does", () => {
  assertEquals(matches("id==no", "id==overlayfs"), true);
  assertEquals(matches("id==no", "id==neither"), false);
});

Deno.test("parseFilters() takes any value when it is quoted", () => {
  fc.assert(fc.property(fc.string({ unit: "grapheme" }), (value) => {
    const quoted = JSON.stringify(value).replaceAll("\u007f", "\\x7f");
    return parseFilters([`name==${quoted}`])(() => value);
  }));
});

Deno.test("parseFilters() throws nothing but invalidArgument when given noise", () => {
  const noise = fc.string({ unit: fc.constantFrom(...`ab.,=!~"'/|\\ x1`) });
  fc.assert(fc.property(noise, (text) => {
    try {
      parseFilters([text])(object);
    } catch (error) {
      return error instanceof EngineError && error.code === "invalidArgument";
    }
    return true;
  }));
});
