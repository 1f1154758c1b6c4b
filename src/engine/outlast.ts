import type { Context } from "../base/context.ts";
import type { Services } from "../core/services.ts";

/** Work that may be done again from its beginning; see `Services.outlast`. */
export async function outlast<T>(
  ctx: Context,
  services: Services,
  work: () => Promise<T>,
): Promise<T> {
  return services.outlast === undefined
    ? await work()
    : await services.outlast(ctx, work);
}
