import { assertEquals, assertThrows } from "@std/assert";
import { Breach, ERROR } from "./breach.ts";
import { HeaderDecoder } from "./header_decoder.ts";
import type { HeaderField } from "./header_table.ts";

function bytesOf(hex: string): Uint8Array {
  return Uint8Array.fromHex(hex.replaceAll(" ", ""));
}

function textOf(fields: readonly HeaderField[]): string[] {
  return fields.map(([name, value]) => `${name}: ${value}`);
}

/** What one decoder makes of the blocks, one behind the other. */
function decodedAll(...blocks: readonly string[]): string[][] {
  const decoder = new HeaderDecoder();
  return blocks.map((hex) => textOf(decoder.decode(bytesOf(hex))));
}

function breachOf(...blocks: readonly string[]): number {
  return assertThrows(() => decodedAll(...blocks), Breach).error;
}

Deno.test("HeaderDecoder reads each kind of field (RFC 7541, C.2)", () => {
  const literals = [
    "400a 6375 7374 6f6d 2d6b 6579 0d63 7573 746f 6d2d 6865 6164 6572",
    "040c 2f73 616d 706c 652f 7061 7468",
    "1008 7061 7373 776f 7264 0673 6563 7265 74",
    "82",
    // Of them all, only the first is in the table.
    "be",
  ];
  assertEquals(decodedAll(...literals), [
    ["custom-key: custom-header"],
    [":path: /sample/path"],
    ["password: secret"],
    [":method: GET"],
    ["custom-key: custom-header"],
  ]);
  assertEquals(breachOf(...literals, "bf"), ERROR.compression);
});

const REQUESTS = [
  [
    ":method: GET",
    ":scheme: http",
    ":path: /",
    ":authority: www.example.com",
  ],
  [
    ":method: GET",
    ":scheme: http",
    ":path: /",
    ":authority: www.example.com",
    "cache-control: no-cache",
  ],
  [
    ":method: GET",
    ":scheme: https",
    ":path: /index.html",
    ":authority: www.example.com",
    "custom-key: custom-value",
  ],
];

Deno.test("HeaderDecoder reads requests that build on each other (C.3)", () => {
  const blocks = [
    "8286 8441 0f77 7777 2e65 7861 6d70 6c65 2e63 6f6d",
    "8286 84be 5808 6e6f 2d63 6163 6865",
    "8287 85bf 400a 6375 7374 6f6d 2d6b 6579 0c63 7573 746f 6d2d 7661 6c75 65",
  ];
  assertEquals(decodedAll(...blocks), REQUESTS);
});

Deno.test("HeaderDecoder reads Huffman's code (C.4)", () => {
  const blocks = [
    "8286 8441 8cf1 e3c2 e5f2 3a6b a0ab 90f4 ff",
    "8286 84be 5886 a8eb 1064 9cbf",
    "8287 85bf 4088 25a8 49e9 5ba9 7d7f 8925 a849 e95b b8e8 b4bf",
  ];
  assertEquals(decodedAll(...blocks), REQUESTS);
});

const COOKIE = "set-cookie: foo=ASDJKHQKBZXOQWEOPIUAXQWEOIU; max-age=3600; " +
  "version=1";

const RESPONSES = [
  [
    ":status: 302",
    "cache-control: private",
    "date: Mon, 21 Oct 2013 20:13:21 GMT",
    "location: https://www.example.com",
  ],
  [
    ":status: 307",
    "cache-control: private",
    "date: Mon, 21 Oct 2013 20:13:21 GMT",
    "location: https://www.example.com",
  ],
  [
    ":status: 200",
    "cache-control: private",
    "date: Mon, 21 Oct 2013 20:13:22 GMT",
    "location: https://www.example.com",
    "content-encoding: gzip",
    COOKIE,
  ],
];

/** The table that the examples have is smaller than ours. */
const TABLE_OF_256 = "3f e1 01";

Deno.test("HeaderDecoder forgets what a small table has no room for (C.5)", () => {
  const blocks = [
    `${TABLE_OF_256} 4803 3330 3258 0770 7269 7661 7465 611d 4d6f 6e2c 2032 ` +
    "3120 4f63 7420 3230 3133 2032 303a 3133 3a32 3120 474d 546e 1768 7474 " +
    "7073 3a2f 2f77 7777 2e65 7861 6d70 6c65 2e63 6f6d",
    "4803 3330 37c1 c0bf",
    "88c1 611d 4d6f 6e2c 2032 3120 4f63 7420 3230 3133 2032 303a 3133 3a32 " +
    "3220 474d 54c0 5a04 677a 6970 7738 666f 6f3d 4153 444a 4b48 514b 425a " +
    "584f 5157 454f 5049 5541 5851 5745 4f49 553b 206d 6178 2d61 6765 3d33 " +
    "3630 303b 2076 6572 7369 6f6e 3d31",
  ];
  assertEquals(decodedAll(...blocks), RESPONSES);
  // Three are left of it, the newest first.
  assertEquals(decodedAll(...blocks, "be bf c0")[3], [
    COOKIE,
    "content-encoding: gzip",
    "date: Mon, 21 Oct 2013 20:13:22 GMT",
  ]);
  assertEquals(breachOf(...blocks, "c1"), ERROR.compression);
});

Deno.test("HeaderDecoder does both at once (C.6)", () => {
  const blocks = [
    `${TABLE_OF_256} 4882 6402 5885 aec3 771a 4b61 96d0 7abe 9410 54d4 44a8 ` +
    "2005 9504 0b81 66e0 82a6 2d1b ff6e 919d 29ad 1718 63c7 8f0b 97c8 e9ae " +
    "82ae 43d3",
    "4883 640e ffc1 c0bf",
    "88c1 6196 d07a be94 1054 d444 a820 0595 040b 8166 e084 a62d 1bff c05a " +
    "839b d9ab 77ad 94e7 821d d7f2 e6c7 b335 dfdf cd5b 3960 d5af 2708 7f36 " +
    "72c1 ab27 0fb5 291f 9587 3160 65c0 03ed 4ee5 b106 3d50 07",
  ];
  assertEquals(decodedAll(...blocks), RESPONSES);
});

Deno.test("HeaderDecoder finds fields at the borders of a number's prefix", () => {
  const decoder = new HeaderDecoder();
  // 61 are static; these are 62 and on, the newest first.
  for (let id = 0; id < 100; id++) {
    const digits = String(id).padStart(2, "0");
    const name = new TextEncoder().encode(digits);
    decoder.decode(new Uint8Array([0x40, 2, ...name, 0]));
  }
  const at = (hex: string) => textOf(decoder.decode(bytesOf(hex)));
  assertEquals(at("be"), ["99: "]);
  assertEquals(at("fe"), ["35: "]);
  assertEquals(at("ff 00"), ["34: "]);
  assertEquals(at("ff 01"), ["33: "]);
  assertEquals(at("ff 22"), ["00: "]);
  // More bytes than the number needs are allowed, but not without end.
  assertEquals(at("ff a2 80 80 00"), ["00: "]);
  const wrong = assertThrows(() => at("ff a2 80 80 80 00"), Breach);
  assertEquals(wrong.error, ERROR.compression);
});

Deno.test("HeaderDecoder takes a table's size only in front, and no larger", () => {
  const field = "4001 6101 62";
  assertEquals(decodedAll(field, "20 3f e1 1f 82"), [["a: b"], [
    ":method: GET",
  ]]);
  const errors = [
    // It has been emptied.
    breachOf(field, "20 be"),
    breachOf(field, "20 3f e1 1f be"),
    // 4,097 bytes; behind a field.
    breachOf("3f e2 1f"),
    breachOf("82 20"),
  ];
  assertEquals(new Set(errors), new Set([ERROR.compression]));
  // A field that is larger than the table empties it, and is none of it.
  assertEquals(
    breachOf(field, "3f 02 400a 6375 7374 6f6d 2d6b 6579 00", "be"),
    9,
  );
});

Deno.test("HeaderDecoder throws a breach for what no encoder writes", () => {
  const wrong = [
    // Field 0; a dynamic one of an empty table; the largest number.
    ..."80|be|ff ff ff ff 7f|ff ff ff ff ff ff ff ff ff ff 7f".split("|"),
    // Ends within a number, a name, a value, and behind a name.
    ..."ff|ff 80|40|40 05 61|40 01 61|40 01 61 05 62|00 01 61 ff".split("|"),
    // Strings of more bytes than a block can have.
    ..."40 ff ff ff 7f|40 7f ff ff ff ff ff 7f".split("|"),
    // Huffman: filled with zeros, a whole byte, the end's code.
    ..."00 81 18 00|00 82 1f ff 00|00 84 ff ff ff ff 00".split("|"),
  ];
  for (const hex of wrong) assertEquals(breachOf(hex), ERROR.compression, hex);
  assertEquals(decodedAll("00 81 1f 80", "00 80 00"), [["a: "], [": "]]);
});

Deno.test("HeaderDecoder takes no list of more than 64 KiB, however short it is sent", () => {
  const large = new Uint8Array(4 + 3 + 4000).fill(0x61);
  large.set([0x40, 0x01, 0x62, 0x7f, 0xa1, 0x1e]);
  const decoder = new HeaderDecoder();
  const [[, value] = ["", ""]] = decoder.decode(large.subarray(0, 6 + 4000));
  assertEquals(value.length, 4000);
  const times = (count: number) => new Uint8Array(count).fill(0xbe);
  assertEquals(decoder.decode(times(16)).length, 16);
  const bomb = assertThrows(() => decoder.decode(times(17)), Breach);
  assertEquals(bomb.error, ERROR.enhanceYourCalm);
  // Fields without any bytes count, too.
  const small = () => decoder.decode(new Uint8Array(3000).fill(0x82));
  assertEquals(assertThrows(small, Breach).error, ERROR.enhanceYourCalm);
});
