/** What `events --filter` chooses. */

import { assertEquals } from "@std/assert";
import { IMAGE, openRunStore } from "./support/run_store.ts";

Deno.test({
  name: "coracle events --filter container=… shows those of one container",
  ignore: Deno.uid() !== 0,
  fn: async () => {
    await using store = await openRunStore();
    const ok = async (...args: string[]) => {
      const { code, stdout, stderr } = await store.call(args);
      assertEquals(code, 0, `${args.join(" ")}: ${stderr}`);
      return stdout.trim();
    };
    const id = await ok("create", "--name", "web", IMAGE, "true");
    await ok("create", "--name", "other", IMAGE, "true");
    await ok("start", "-a", "web");
    const shown = (...filters: string[]) =>
      ok(
        ...["events", "--since", "1h", "--until", "0s", "--format"],
        "{{.Topic}}",
        ...filters.flatMap((filter) => ["--filter", filter]),
      );

    const life = await shown("container=web", "type=task");
    assertEquals(life.split("\n"), [
      "/tasks/create",
      "/tasks/start",
      "/tasks/exit",
      "/tasks/delete",
    ]);
    assertEquals(
      await shown(`container=${id.slice(0, 12)}`, "type=task"),
      life,
    );
    assertEquals(await shown("container=web", "event=exit"), "/tasks/exit");
    const created = await shown(
      "container=web",
      "container=other",
      "event=create",
    );
    assertEquals(created.match(/containers/g)?.length, 2);
    assertEquals(await shown("container=nobody"), "");

    // Docker's words.
    assertEquals(
      await shown("container=web", "type=container", "event=die"),
      "/tasks/exit",
    );
    assertEquals(await shown("container=web", "event=exec_die"), "");
    assertEquals(
      await shown("container=web", "type=container", "event=start"),
      "/tasks/start",
    );
    assertEquals(await shown("container=web", "type=image"), "");

    // Its name goes on with its record's end.
    await ok("rm", "web", "other");
    assertEquals(await shown("container=web", "event=exit"), "/tasks/exit");
    assertEquals(
      await shown("container=web", "event=destroy"),
      "/containers/delete",
    );
    assertEquals(await store.leftovers(), []);
  },
});
