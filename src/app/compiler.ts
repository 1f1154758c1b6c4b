/**
 * Compiles with V8's code cache: there is nothing to parse, then, and less to
 * compile. `node:punycode` of the packed executable's runtime gives the
 * operations for it (`scripts/pack/operations.ts`), and others.
 */

interface Operations {
  op_vm_create_script(
    text: string,
    url: string,
    line: number,
    column: number,
    cache: Uint8Array,
    produceCache: boolean,
    context: undefined,
    importer: number,
  ): { readonly value: unknown; readonly cachedDataRejected: boolean };
  op_vm_script_run_in_context(
    script: unknown,
    context: null,
    timeoutMs: number,
    displayErrors: boolean,
    breakOnInterrupt: boolean,
  ): unknown;
  op_node_fs_exists_sync?(path: string): boolean;
}

/** `import()` in a script does what it does in a module. */
const MAIN_IMPORTER = -1;
const NO_TIMEOUT = -1;

export class Compiler {
  /** URLs of what V8 has compiled itself, because the cache was no use. */
  readonly refused: string[] = [];
  readonly #operations: Operations;

  private constructor(operations: Operations) {
    this.#operations = operations;
  }

  static async open(): Promise<Compiler> {
    const { default: operations } = await import("node:punycode");
    return new Compiler(operations as unknown as Operations);
  }

  /** @returns true, too, if that can't be told */
  mayExist(path: string): boolean {
    return this.#operations.op_node_fs_exists_sync?.(path) ?? true;
  }

  /** @returns the value of the script */
  evaluate(text: string, url: string, cache: Uint8Array): unknown {
    const { value: script, cachedDataRejected } = this.#operations
      .op_vm_create_script(
        ...[text, url, 0, 0, cache, false, undefined, MAIN_IMPORTER],
      );
    if (cachedDataRejected) this.refused.push(url);
    return this.#operations.op_vm_script_run_in_context(
      ...[script, null, NO_TIMEOUT, true, false],
    );
  }
}
