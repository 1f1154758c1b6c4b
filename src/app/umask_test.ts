import { assertEquals } from "@std/assert";
import { useEngineUmask, withUsersUmask } from "./umask.ts";

Deno.test("withUsersUmask() gives back what useEngineUmask() has taken", () => {
  const before = Deno.umask(0o077);
  try {
    assertEquals(withUsersUmask(() => Deno.umask()), 0o077);
    useEngineUmask();
    useEngineUmask();
    assertEquals(Deno.umask(), 0o022);
    assertEquals(withUsersUmask(() => Deno.umask()), 0o077);
    assertEquals(Deno.umask(), 0o022);
  } finally {
    Deno.umask(before);
  }
});
