import { assertEquals } from "@std/assert";
import { lines } from "./doctor.ts";

Deno.test("lines() aligns columns and puts the remedy below", () => {
  const shown = lines({
    use: "rootless",
    usable: true,
    checks: [
      { id: "a", title: "Kernel", status: "ok", detail: "6.8" },
      {
        ...{ id: "b", title: "Subordinate ids", status: "warning" },
        ...{ detail: "me has none", fix: "usermod me\nlog in again" },
      },
    ],
  }, (text, status) => status === "ok" ? text : text.toUpperCase());
  assertEquals(shown, [
    "As an ordinary user: containers run",
    "   ok       Kernel           6.8",
    "   WARNING  Subordinate ids  me has none",
    "            → usermod me",
    "            → log in again",
  ]);
});
