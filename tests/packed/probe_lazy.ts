/** A chunk of its own, with a module of the runtime's behind it. */
export async function answer(): Promise<string> {
  const { DatabaseSync } = await import("node:sqlite");
  using database = new DatabaseSync(":memory:");
  return String(database.prepare("select 6 * 7 as answer").get()?.["answer"]);
}
