import { describe, expect, it } from "vitest";
import { parseJson } from "../../../src/json/parse-json.js";
import { naming } from "../../support/naming.js";

const LARGER = "9007199254740991";

describe("parseJson", () => {
  const parse = (text: string): unknown => parseJson(new TextEncoder().encode(text));

  it.each([
    '{"a":[1,-2.5e+3,0,"\\u00e5\\n",true,false,null,{},[]],"b":{"a":1}}',
    " \r\n\t12 ",
    '""',
    "[[[]]]",
    "\ufeff{}",
    "[9007199254740991,-9007199254740991,1e-400,0.1]",
  ])("reads %j as JSON.parse does", (text) => {
    expect(parse(text)).toEqual(JSON.parse(text.replace("\ufeff", "")));
  });

  it.each([
    ['{"a":1,}', 1, 8, "name"],
    ['{\n  "a": 1\n  "b": 2\n}', 3, 3, "a comma or } is expected"],
    ["{'a':1}", 1, 2, "}"],
    ["[1,]", 1, 4, "a value is expected"],
    ["[1 2]", 1, 4, "a comma or ] is expected"],
    ["[1}", 1, 3, "a comma or ] is expected"],
    ['{"a" 1}', 1, 6, "a colon is expected"],
    ["{} {}", 1, 4, "the end is expected"],
    ['{"a":', 1, 6, "the text ends where a value is expected"],
    ["[", 1, 2, "the text ends where a value or ] is expected"],
    ["01", 1, 1, "a value is expected"],
    ["1.", 1, 1, "a value is expected"],
    ["+1", 1, 1, "a value is expected"],
    ["NaN", 1, 1, "a value is expected"],
    ["truex", 1, 1, "a value is expected"],
    ['"a\nb"', 1, 1, "a value is expected"],
    ['"\\x"', 1, 1, "a value is expected"],
    ["]", 1, 1, "a value is expected"],
    ["[,]", 1, 2, "a value or ] is expected"],
    ["// no", 1, 1, "a value is expected"],
    ['{"lun":0,\n"lun":1}', 2, 1, 'the name "lun" is given twice'],
    ['{"a":1,"\\u0061":2}', 1, 8, 'the name "a" is given twice'],
    ["[".repeat(33), 1, 33, "32"],
    ["[9007199254740992]", 1, 2, LARGER],
    ['{"a":-1e400}', 1, 6, LARGER],
    ["12345678901234567890", 1, 1, LARGER],
  ])("refuses %j at line %i, column %i", (text, line, column, message) => {
    expect(() => parse(text)).toThrow(
      expect.objectContaining({
        code: "MalformedJson",
        message: naming([line, column, message]),
        fields: { line, column },
      }),
    );
  });

  it("agrees with JSON.parse on every text that one edit makes of a good one", () => {
    const good = '{"a":[1,{"b":"x\\n"},-0.5e1,true,null],"c":{}}';
    for (let at = 0; at <= good.length; at++)
      for (const insert of ["", ",", ":", '"', "{", "}", "[", "]", "0", "x", " ", "\\", "."])
        for (const removed of [0, 1]) {
          const text = good.slice(0, at) + insert + good.slice(at + removed);
          expect([text, isRead(parse, text)]).toEqual([text, isRead(JSON.parse, text)]);
        }
  });

  it("ends on hostile texts long before time does: were it quadratic, this would not end", () => {
    const size = 250_000;
    for (const text of [
      "[".repeat(size),
      `"${"\\".repeat(size)}`,
      `"${"a".repeat(size)}`,
      "1".repeat(size) + "x",
      `[${"0,".repeat(size / 2)}`,
      `{${Array.from({ length: size / 10 }, (_, i) => `"${i}":0,`).join("")}`,
    ])
      expect(isRead(parse, text)).toBe(false);
  });
});

function isRead(parse: (text: string) => unknown, text: string): boolean {
  try {
    parse(text);
    return true;
  } catch {
    return false;
  }
}
