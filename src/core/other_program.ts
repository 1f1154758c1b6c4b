/** Programs that we ask over their sockets, as our own users hear of them. */

import { hasCode, unavailable } from "../base/errors.ts";

export interface OtherProgram {
  /** `snapshotter "stargz"` */
  readonly title: string;
  /** Path of its socket. */
  readonly address: string;
}

/** @throws {EngineError} `unavailable` says which program; others are its own */
export async function asked<T>(
  program: OtherProgram,
  work: Promise<T>,
): Promise<T> {
  try {
    return await work;
  } catch (error) {
    throw named(error, program);
  }
}

/** As `asked`, of many answers. */
export async function* askedForMany<T>(
  program: OtherProgram,
  answers: AsyncIterable<T>,
): AsyncGenerator<T> {
  try {
    yield* answers;
  } catch (error) {
    throw named(error, program);
  }
}

function named(error: unknown, { title, address }: OtherProgram): unknown {
  if (!hasCode(error, "unavailable")) return error;
  return unavailable(`Cannot reach ${title}: ${error.message}`, {
    cause: error,
    hint: `Is the program running that serves ${address}?`,
  });
}
