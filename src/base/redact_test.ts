import { assertEquals } from "@std/assert";
import { isSecretName, redact } from "./redact.ts";

Deno.test("redact() hides what gives access, and nothing else", () => {
  const texts = [
    [
      "Cannot fetch https://me:pa55@registry.example/v2/ at once",
      "Cannot fetch https://***@registry.example/v2/ at once",
    ],
    [
      'GET "https://s3.example/b?X-Amz-Date=2026&X-Amz-Signature=0af&X-Amz-Credential=AK%2F1"',
      'GET "https://s3.example/b?X-Amz-Date=2026&X-Amz-Signature=***&X-Amz-Credential=***"',
    ],
    [
      "https://cdn.example/blob?sv=2021&sig=ab%2Bc=&se=9 failed",
      "https://cdn.example/blob?sv=2021&sig=***&se=9 failed",
    ],
    ["Authorization: Bearer ey.Jhb-GciOi", "Authorization: Bearer ***"],
    ["Basic dXNlcjpwYXNz was refused", "Basic *** was refused"],
    ["https://r.example/token?service=r&scope=a:pull", undefined],
    ["Basic access is refused", undefined],
    ["mail@example.org and docker.io/a@sha256:00", undefined],
    ['image "r.example/a:1" key=value', undefined],
  ];
  for (const [text = "", hidden] of texts) {
    assertEquals(redact(text), hidden ?? text);
  }
});

Deno.test("isSecretName() knows names of secrets", () => {
  for (const name of ["password", "registryToken", "Authorization"]) {
    assertEquals(isSecretName(name), true, name);
  }
  for (const name of ["key", "digest", "tokens", "secretary"]) {
    assertEquals(isSecretName(name), false, name);
  }
});
