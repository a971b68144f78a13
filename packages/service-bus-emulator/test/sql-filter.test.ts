import { describe, expect, it, test } from "vitest";
import { createSqlFilter } from "../src/filter/sql-filter.js";
import type { FilterableMessage, FilterValue } from "../src/filter/value.js";

const USER: Readonly<Record<string, FilterValue>> = {
  color: "red",
  "hr-employeeid": "e1",
  'say "hi"': 1n,
  quantity: 5n,
  price: 2.5,
  flag: true,
  empty: undefined,
  quote: "it's",
  percent: "100%",
  name: "Contoso Ltd.",
};
const SYSTEM: Readonly<Record<string, FilterValue>> = {
  label: "urgent",
  messageid: "m1",
  deliverycount: 2n,
};
const MESSAGE: FilterableMessage = {
  system: (name) => SYSTEM[name],
  user: (name) => USER[name],
  hasUser: (name) => name in USER,
};

function matches(expression: string): boolean {
  return createSqlFilter(expression)(MESSAGE);
}

describe("a SQL filter takes a message", () => {
  it.each([
    "1=1",
    "color = 'red'",
    "COLOR = 'red'",
    "user.color = 'red'",
    "[HR-EmployeeID] = 'e1'",
    'user."say ""hi""" = 1',
    "color <> 'blue'",
    "color != 'blue'",
    "quantity > 4 AND quantity < 6",
    "quantity >= 5 and quantity <= 5",
    "price = 2.5",
    "price > 2",
    "quantity = 5.0",
    "quantity * 2 = 10",
    "quantity + 2 * 3 = 11",
    "(quantity + 2) * 3 = 21",
    "quantity / 2 = 2",
    "quantity % 2 = 1",
    "quantity / 2.0 = 2.5",
    "-quantity = -5",
    "+quantity - -1 = 6",
    "1.5E1 = 15 AND .5 = 5e-1",
    "9007199254740993 > 9007199254740992",
    "color + '!' = 'red!'",
    "flag = TRUE",
    "flag",
    "NOT flag = false",
    "color IN ('blue', 'red')",
    "color NOT IN ('blue', 'green')",
    "quantity IN (1, 5.0)",
    "color LIKE 'r%'",
    "color LIKE '_e_'",
    "name LIKE '%so Ltd.'",
    "color NOT LIKE 'b%'",
    "percent LIKE '100\\%' ESCAPE '\\'",
    "percent LIKE '%#%' ESCAPE '#'",
    "quote = 'it''s'",
    "empty IS NULL",
    "missing IS NULL",
    "color IS NOT NULL",
    "EXISTS(color)",
    "EXISTS(empty)",
    "NOT EXISTS(missing)",
    "EXISTS(sys.Label)",
    "NOT EXISTS(sys.To)",
    "sys.Label = 'urgent'",
    "sys.MessageId = 'm1' AND sys.DeliveryCount = 2",
    "property('color') = 'red' AND p('Quantity') = 5",
    "newid() <> newid()",
    "color = 'blue' OR color = 'red' AND quantity = 5",
    "missing = 1 OR color = 'red'",
    "NOT (missing = 1 AND color = 'blue')",
    "  color='red'\n\tAND(quantity=5)",
  ])("%s", (expression) => {
    expect(matches(expression)).toBe(true);
  });
});

describe("a SQL filter does not take a message", () => {
  it.each([
    "1=0",
    "color = 'RED'",
    "color = 'blue'",
    // Unknown: three-valued logic.
    "missing = 1",
    "NOT missing = 1",
    "missing <> 1",
    "missing = missing",
    "missing IN (1)",
    "missing NOT IN (1)",
    "color NOT IN ('blue', missing)",
    "missing LIKE '%'",
    "missing NOT LIKE '%'",
    "missing + 1 = 1",
    "-missing = 1",
    "NULL = NULL",
    "missing = 1 AND color = 'red'",
    "missing = 1 OR color = 'blue'",
    // Types that C# does not convert.
    "quantity = '5'",
    "NOT quantity = '5'",
    "color > 1",
    "flag = 1",
    "quantity / 0 = 1",
    "color LIKE 'R%'",
    "percent LIKE '100\\%' ESCAPE 'ab'",
    "(color = 'blue' OR color = 'red') AND quantity = 6",
  ])("%s", (expression) => {
    expect(matches(expression)).toBe(false);
  });
});

describe("a SQL filter that cannot be read says where", () => {
  it.each([
    ["", "expected a value at character 1"],
    ["color =", "expected a value at character 8"],
    ["color = 'red", "a string without its closing ' at character 9"],
    ["color = 'a' 'b'", "expected the end at character 13"],
    ["(color = 1", 'expected ")" at character 11'],
    ["color NOT 1", "expected IN or LIKE at character 11"],
    ["color IS 1", "expected NULL at character 10"],
    ["sys.Colour = 1", 'there is no system property "colour" at character 5'],
    ["other.color = 1", 'the scope of a property is sys or user, not "other" at character 1'],
    ["lower(color) = 1", "expected newid(), property() or p() at character 1"],
    ["color = @param", 'unexpected "@" at character 9'],
    ["AND = 1", "expected a value at character 1"],
    ["EXISTS(1)", "expected the name of a property at character 8"],
  ])("%s", (expression, problem) => {
    expect(() => createSqlFilter(expression)).toThrow(`${problem} of "${expression}"`);
  });
});

test("a filter is not fooled by patterns that are regular expressions", () => {
  expect(matches("color LIKE '.*'")).toBe(false);
  expect(matches("name LIKE '%Ltd_'")).toBe(true);
});
