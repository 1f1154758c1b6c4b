/** `external_snapshotter_main.ts` as a child. */

import { ExternalProgram } from "./external_program.ts";

export interface ExternalSnapshotterOptions {
  /** Of the plugin. */
  readonly name: string;
  /** Has the socket `NAME.sock` and the files `NAME`. */
  readonly directory: string;
  /** Files of the layers that it has by itself. */
  readonly layer?: string;
}

export class ExternalSnapshotter extends ExternalProgram {
  constructor({ name, directory, layer }: ExternalSnapshotterOptions) {
    super({
      main: "external_snapshotter_main.ts",
      address: `${directory}/${name}.sock`,
      args: [
        ...[`${directory}/${name}`, name],
        ...layer === undefined ? [] : [layer],
      ],
    });
  }
}
