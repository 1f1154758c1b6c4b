import { assertEquals } from "@std/assert";
import { isCalledAfter } from "./cgroup.ts";

Deno.test("isCalledAfter() takes no group for a container's that has its id within", () => {
  const own = [
    "web",
    "web.scope",
    "docker-web.scope",
    "cri-containerd-web.scope",
  ];
  const others = ["webs", "my-web", "web-1", "a-web-b.scope", "xweb.scope", ""];
  assertEquals(own.filter((name) => !isCalledAfter(name, "web")), []);
  assertEquals(others.filter((name) => isCalledAfter(name, "web")), []);
});
