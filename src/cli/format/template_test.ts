import { assertEquals, assertThrows } from "@std/assert";
import { EngineError } from "../../base/errors.ts";
import { compileTemplate } from "./template.ts";

const DATA = {
  Name: "web",
  ID: "0123456789abcdef",
  Size: 3,
  Tags: ["a", "b"],
  Empty: [],
  Labels: { "k": "v", "a.b": "c" },
  Label: (key: "k" | "a.b") => ({ "k": "v", "a.b": "c" })[key],
  Config: { Cmd: ["sh", "-c"], Tty: false, User: "", Gone: null },
};

/** Template, and what Go's text/template with docker's functions prints. */
const CASES: readonly (readonly [string, string])[] = [
  ["plain", "plain"],
  ["{{.Name}}", "web"],
  ["{{ .Name }}/{{.Config.Cmd}}", "web/[sh -c]"],
  ["{{.Labels}}", "map[a.b:c k:v]"],
  ["{{.Config.Gone}}", "<no value>"],
  ["{{json .Tags}}", '["a","b"]'],
  ["{{json .}}", JSON.stringify(DATA)],
  ["{{.Tags | json | upper}}", '["A","B"]'],
  ['{{upper .Name}}{{lower `X`}}{{title "ab cd"}}', "WEBxAb Cd"],
  ['{{join .Tags ", "}}', "a, b"],
  ['{{index (split "x/y" "/") 1}}', "y"],
  ["{{truncate .ID 12}}", "0123456789ab"],
  ["{{slice .ID 0 4}}{{slice .ID 14}}", "0123ef"],
  ['{{index .Labels "a.b"}}{{index .Tags 1}}', "cb"],
  ['{{index .Labels "none"}}', "<no value>"],
  ["{{len .Tags}}{{len .Name}}{{len .Labels}}", "232"],
  ["{{range .Tags}}<{{.}}>{{end}}", "<a><b>"],
  ["{{range $i, $t := .Tags}}{{$i}}={{$t}} {{end}}", "0=a 1=b "],
  ["{{range .Empty}}x{{else}}none{{end}}", "none"],
  ["{{if .Config.Tty}}tty{{else}}no{{end}}", "no"],
  ["{{if eq .Name `x`}}1{{else if gt .Size 2}}2{{else}}3{{end}}", "2"],
  ["{{if and .Name (not .Config.User)}}y{{end}}", "y"],
  ["{{or .Config.User .Name}}", "web"],
  ["{{with .Config}}{{.Cmd}}{{$.Name}}{{end}}", "[sh -c]web"],
  ["{{with .Config.User}}x{{else}}nobody{{end}}", "nobody"],
  ["{{$n := .Name}}{{$n}}{{$n}}", "webweb"],
  ["a {{- .Name -}} b", "awebb"],
  ["{{/* nothing */}}x", "x"],
  ['{{printf "%-5s|%03d|%q" .Name .Size .Name}}', 'web  |003|"web"'],
  ["{{println .Name .Size}}", "web 3\n"],
  ['{{"}}"}}', "}}"],
  ["{{(index .Tags 0) | upper}}", "A"],
  ['{{.Label "k"}}{{"a.b" | .Label}}', "vc"],
];

for (const [source, expected] of CASES) {
  Deno.test(`compileTemplate() renders ${source} as Go does`, () => {
    assertEquals(compileTemplate(source)(DATA), expected);
  });
}

Deno.test("compileTemplate() names the fields there are for an unknown one", () => {
  const error = assertThrows(
    () => compileTemplate("{{.Nmae}}")(DATA),
    EngineError,
  );
  assertEquals(error.code, "invalidArgument");
  assertEquals(error.hint?.includes("Name, ID"), true);
});

const MALFORMED = [
  "{{.Name",
  "{{}}",
  "{{if .Name}}x",
  "{{end}}",
  "{{else}}",
  "{{range .Tags}}{{else}}{{else}}{{end}}",
  "{{.Name .ID}}",
  "{{(.Name}}",
  "{{.Name)}}",
  "{{frob .Name}}",
  "{{$unset}}",
  "{{.Name.Deeper}}",
  "{{.a-b}}",
  "{{range .Size}}{{end}}",
  "{{join .Name 1}}",
];

for (const source of MALFORMED) {
  Deno.test(`compileTemplate() refuses ${source}`, () => {
    const error = assertThrows(
      () => compileTemplate(source)(DATA),
      EngineError,
    );
    assertEquals(error.code, "invalidArgument");
  });
}

Deno.test("compileTemplate() refuses arguments that a field does not take", () => {
  for (const source of ["{{.Label}}", '{{.Label "k" "a"}}', '{{.Name "k"}}']) {
    assertThrows(
      () => compileTemplate(source)(DATA),
      EngineError,
      "Cannot use field",
    );
  }
});
