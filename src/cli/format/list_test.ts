import { assertEquals } from "@std/assert";
import { type ListFormat, listLines } from "./list.ts";
import { displayWidth, tableLines } from "./table.ts";

interface Row {
  readonly ID: string;
  readonly Name: string;
}

const LIST: ListFormat<Row> = {
  headings: { ID: "IMAGE ID", Name: "NAME" },
  columns: ["Name", "ID"],
  key: "ID",
};
const ROWS: readonly Row[] = [
  { ID: "1", Name: "long-name" },
  { ID: "2", Name: "x" },
];

Deno.test("listLines() lays out the columns of the table", () => {
  assertEquals(listLines(ROWS, LIST, "table"), [
    "NAME        IMAGE ID",
    "long-name   1",
    "x           2",
  ]);
  assertEquals(listLines([], LIST, "table"), ["NAME   IMAGE ID"]);
});

Deno.test("listLines() writes one JSON object a line", () => {
  assertEquals(
    listLines(ROWS, LIST, "json")[0],
    '{"ID":"1","Name":"long-name"}',
  );
  assertEquals(
    listLines(ROWS, LIST, "{{json .}}"),
    listLines(ROWS, LIST, "json"),
  );
});

Deno.test("listLines() renders a template for each row", () => {
  assertEquals(listLines(ROWS, LIST, "{{.ID}}:{{.Name}}"), [
    "1:long-name",
    "2:x",
  ]);
});

Deno.test("listLines() puts headings above a table template", () => {
  assertEquals(
    listLines(ROWS, LIST, String.raw`table {{.ID}}\t{{upper .Name}}`),
    [
      "IMAGE ID   NAME",
      "1          LONG-NAME",
      "2          X",
    ],
  );
});

Deno.test("displayWidth() counts columns, not characters", () => {
  assertEquals(["abc", "é", "日本", "e\u0301", "🐳"].map(displayWidth), [
    3,
    1,
    4,
    1,
    2,
  ]);
  assertEquals(tableLines(["A", "B"], [["日", "x"]]), ["A    B", "日   x"]);
});
