import { assertEquals, assertRejects } from "@std/assert";
import { background } from "../src/base/context.ts";
import { tarTree } from "../src/drivers/diff_walking/tar_tree.ts";
import { readArchive } from "../src/oci/tar/testing/collect.ts";
import { Directory } from "../src/sys/walk.ts";
import { describeTree } from "./support/describe_tree.ts";

const LONG = `${"x".repeat(120)}/${"y".repeat(200)}`;

/** Of everything one; the time of a directory comes last. */
const FILL = `
  mkdir -p d/e "${LONG}"; echo hi >d/a; ln d/a d/e/b; ln -s a d/c; mkfifo d/f
  ln -s "${LONG}/${LONG}" far; head -c 3000000 /dev/zero >zeros; : >empty
  echo x >"$(printf 'n\\351')"; echo x >é; echo x >"$(printf 'new\\nline')"
  setfattr -n user.binary -v 0x00ff0a3d empty; setfattr -n user.dir -v 1 d
  chmod 4755 d/a; chmod 1777 d/e; touch -d @5.25 é
`;
const FILL_AS_ROOT = `${FILL}
  mknod null c 1 3; mknod -m 600 disk b 7 300; chown 3000000:4000000 empty
  chown -h 7:8 far; setcap cap_net_raw+ep zeros
`;

const IS_ROOT = Deno.uid() === 0;

// Opens libc's symbols before the sanitizer counts them to a test.
describeTree("/etc/passwd");
try {
  Directory.open("/nonexistent");
} catch { /* as expected */ }

async function withTree(
  use: (tree: string, empty: string) => Promise<void>,
): Promise<void> {
  const base = await Deno.makeTempDir();
  try {
    await Deno.mkdir(`${base}/tree`);
    await Deno.mkdir(`${base}/out`);
    const { success, stderr } = await new Deno.Command("sh", {
      args: ["-ec", IS_ROOT ? FILL_AS_ROOT : FILL],
      cwd: `${base}/tree`,
    }).output();
    if (!success) throw new Error(new TextDecoder().decode(stderr));
    await use(`${base}/tree`, `${base}/out`);
  } finally {
    await Deno.remove(base, { recursive: true });
  }
}

async function bytesOf(
  stream: ReadableStream<Uint8Array<ArrayBuffer>>,
): Promise<Uint8Array<ArrayBuffer>> {
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

Deno.test("tarTree() gives GNU tar the same tree", async () => {
  await withTree(async (tree, out) => {
    const tar = new Deno.Command("tar", {
      args: ["--xattrs", "--xattrs-include=*", "-xpf", "-", "-C", out],
      stdin: "piped",
      stderr: "piped",
    }).spawn();
    const stderr = new Response(tar.stderr).text();
    await tarTree(background(), tree).pipeTo(tar.stdin);
    assertEquals([(await tar.status).code, await stderr], [0, ""]);
    assertEquals(describeTree(out).slice(1), describeTree(tree).slice(1));
  });
});

Deno.test("tarTree() gives the same bytes each time", async () => {
  await withTree(async (tree) => {
    const first = await bytesOf(tarTree(background(), tree));
    assertEquals(await bytesOf(tarTree(background(), tree)), first);
  });
});

Deno.test("tarTree() names the root, or only a part of it, as told", async () => {
  await withTree(async (tree) => {
    const names = async (options: Parameters<typeof tarTree>[2]) =>
      readArchive(await bytesOf(tarTree(background(), tree, options)))
        .map(({ header }) => header.name);
    const part = ["d/", "d/a", "d/c", "d/e/", "d/e/b", "d/f"];
    assertEquals(await names({ only: "d" }), part);
    assertEquals(
      await names({ only: "d", rootName: "new" }),
      part.map((name) => name.replace("d", "new")),
    );
    assertEquals(await names({ only: "empty" }), ["empty"]);
    assertEquals(await names({ only: "nothing" }), []);
    assertEquals((await names({ rootName: "t" })).slice(0, 3), [
      "t/",
      "t/d/",
      "t/d/a",
    ]);
  });
});

Deno.test("tarTree() leaves nothing open when it is cancelled", async () => {
  await withTree(async (tree) => {
    const before = countDescriptors();
    const reader = tarTree(background(), tree).getReader();
    await reader.read();
    await reader.cancel();
    assertEquals(countDescriptors(), before);
  });
});

function countDescriptors(): number {
  return [...Deno.readDirSync("/proc/self/fd")].length;
}

Deno.test("tarTree() fails when there is no such directory", async () => {
  await assertRejects(() => bytesOf(tarTree(background(), "/nonexistent")));
});
