import { assertEquals } from "@std/assert";
import fc from "fast-check";
import { closeFd, openDirectory, openInRoot, readLink } from "./fs.ts";
import { descriptorPath } from "./fs_metadata.ts";
import { openStepwise } from "./fs_resolve.ts";

const names = fc.constantFrom("a", "b", "c", ".", "..", "");
const paths = fc.array(names, { minLength: 1, maxLength: 5 })
  .map((parts) => parts.join("/"));
const targets = fc.oneof(paths, paths.map((path) => `/${path}`))
  .map((target) => target || "/");

/** Makes what can be made; what is there already stays. */
function make(
  root: string,
  entries: readonly (readonly [string, string | undefined])[],
): void {
  for (const [path, target] of entries) {
    try {
      if (target === undefined) Deno.mkdirSync(`${root}/${path}`);
      else Deno.symlinkSync(target, `${root}/${path}`);
    } catch { /* a name that is taken, or a parent that is none */ }
  }
}

/** Where it leads, or the error number. */
function place(fd: number): string | number {
  if (fd < 0) return fd;
  const path = Deno.readLinkSync(descriptorPath(fd));
  closeFd(fd);
  return path;
}

// Before the tests, or the sanitizer would count libc's symbols to one of them.
closeFd(openDirectory("/"));
place(openInRoot(-1, "x"));
readLink(-1, "x");
Deno.test("openStepwise() finds what the kernel finds", async () => {
  const base = await Deno.makeTempDir();
  const entryNames = fc.array(fc.constantFrom("a", "b", "c"), {
    minLength: 1,
    maxLength: 3,
  }).map((parts) => parts.join("/"));
  const tree = fc.array(
    fc.tuple(entryNames, fc.option(targets, { nil: undefined })),
    { minLength: 4, maxLength: 12 },
  );
  let count = 0;
  try {
    fc.assert(
      fc.property(tree, fc.array(paths), (entries, wanted) => {
        const path = `${base}/${count++}`;
        Deno.mkdirSync(path);
        make(path, entries);
        const root = openDirectory(path);
        try {
          for (const one of wanted) {
            // The kernel takes no empty path; here it is the root.
            const kernel = place(openInRoot(root, one || "."));
            assertEquals(place(openStepwise(root, one)), kernel, one);
          }
        } finally {
          closeFd(root);
        }
      }),
      { numRuns: 300 },
    );
  } finally {
    await Deno.remove(base, { recursive: true });
  }
});
