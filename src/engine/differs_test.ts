import { assertEquals, assertRejects } from "@std/assert";
import { background } from "../base/context.ts";
import { parseDigest } from "../base/digest.ts";
import { EngineError, unimplemented } from "../base/errors.ts";
import type { Differ } from "../core/diff.ts";
import { MEDIA_TYPE } from "../oci/media_types.ts";
import { firstAble } from "./differs.ts";

const layer = {
  mediaType: MEDIA_TYPE.ociLayer,
  digest: parseDigest(`sha256:${"0".repeat(64)}`),
  size: 1,
};

function differ(name: string, error?: EngineError): Differ {
  const answer = () =>
    error === undefined
      ? Promise.resolve({ ...layer, diffId: layer.digest, name })
      : Promise.reject(error);
  return {
    apply: answer,
    compare: answer,
    async *changes() {
      await answer();
      yield { path: name, kind: "deleted" };
    },
  };
}

const ctx = background();

Deno.test("firstAble() asks the next one when one can't do it", async () => {
  const differs = firstAble([
    differ("one", unimplemented("this")),
    differ("two"),
    differ("three"),
  ]);
  const applied = await differs.apply(ctx, layer, []);
  const named = { ...layer, diffId: layer.digest, name: "two" };
  assertEquals<object>(applied, named);
  const compared = await differs.compare(ctx, [], []);
  assertEquals<object>(compared, named);
  const changes = await Array.fromAsync(differs.changes(ctx, [], []));
  assertEquals(changes, [{ path: "two", kind: "deleted" }]);
});

Deno.test("firstAble() asks nobody else when one fails, and says why all can't", async () => {
  const broken = new EngineError("internal", "broken");
  const tried = firstAble([differ("one", broken), differ("two")]);
  const error = await assertRejects(() => tried.apply(ctx, layer, []));
  assertEquals(error, broken);
  const last = unimplemented("that");
  const unable = firstAble([
    differ("one", unimplemented("this")),
    differ("two", last),
  ]);
  assertEquals(await assertRejects(() => unable.compare(ctx, [], [])), last);
});
