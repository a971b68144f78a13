import { existsSync } from "node:fs";
import reactHooks from "eslint-plugin-react-hooks";
import tseslint from "typescript-eslint";
import { citedInvariants } from "./eslint.invariants.mjs";

/** A constant of the module that is made of literals alone: a text, a number, a pattern, a list. */
const LITERAL = [
  "Literal",
  "TemplateLiteral[expressions.length=0]",
  "BinaryExpression[left.type='Literal'][right.type='Literal']",
  "ArrayExpression[elements.length>0]",
]
  .map((init) => `${init}.init`)
  .join(", ");

const RESTRICTED = [
  {
    selector: `:matches(Program, ExportNamedDeclaration) > VariableDeclaration[kind='const'] > VariableDeclarator[id.type='Identifier'][id.name=/[a-z]/] > :matches(${LITERAL})`,
    message: "A literal that is a constant of the module is written LIKE_THIS.",
  },
  {
    selector: ":function NewExpression[callee.name='AsyncLocalStorage']",
    message:
      "Node.js pays for each AsyncLocalStorage in every promise, and never lets go of one: one a module, at its top.",
  },
];

const UNUSED_MEMBER = {
  selector: "ObjectPattern > Property[value.name=/^_/]",
  message: "What is left of an object is written omit(object, 'member').",
};

/** Where a version is in latest is read and set in one place. */
const FLAGS = [
  ":matches(MemberExpression, Property)[computed=false] > Identifier[name='excludeFromLatest']",
  "MemberExpression > Literal[value='excludeFromLatest']",
  "Literal[value=/\\/excludeFromLatest$/]",
  "TemplateElement[value.raw=/\\/excludeFromLatest$/]",
].map((selector) => ({
  selector,
  message: "Only src/image-version/latest reads and sets this flag: latestIn, flagsFor.",
}));

/** What a kind alone knows stands in its own room, and in `detail` of its operations. */
const KINDS = [
  "Identifier[name=/rollback|softDelete|registration|preparation|regionTest|machineTest|revo[kc]|imageVersion/i]",
  "Literal[value=/ImageVersion|RollBack|PrepareSubscription/]",
].map((selector) => ({
  selector,
  message: "src/operation knows no kind: say it in the kind's own room (Kind, detail).",
}));

/** Each has one function of more branches. */
const NOT_SPLIT = [
  "src/key-guardian/run-key-guardian.ts",
  "src/operation/advance.ts",
  "src/page/src/views/version-view.tsx",
];

// A floating promise is a lost message: the type-checked rules run on tests as well.
export default tseslint.config(
  {
    ignores: [
      "**/dist/",
      "**/generated/",
      "node_modules/",
      "coverage/",
      "reports/",
      ".stryker-tmp/",
      "test/clients/programs/",
      "docs/site.js", // a browser's, of no project
      "src/http/docs/start.js",
      // Its types are Playwright's: `npm run static:page` installs that first.
      ...(existsSync("test/e2e/page/node_modules") ? [] : ["test/e2e/page/"]),
    ],
  },
  ...tseslint.configs.recommendedTypeChecked,
  {
    languageOptions: {
      parserOptions: {
        projectService: {
          allowDefaultProject: ["*.mjs"],
        },
        tsconfigRootDir: import.meta.dirname,
      },
    },
    rules: {
      "@typescript-eslint/switch-exhaustiveness-check": [
        "error",
        { considerDefaultExhaustiveForUnions: true },
      ],
      "@typescript-eslint/no-unused-vars": [
        "error",
        { argsIgnorePattern: "^_", varsIgnorePattern: "^_" },
      ],
      // One hand. One import a module: `import type` where it has types alone, else `type` before each of them.
      "no-duplicate-imports": "error",
      "@typescript-eslint/consistent-type-imports": ["error", { fixStyle: "inline-type-imports" }],
      "@typescript-eslint/no-import-type-side-effects": "error",
      "no-restricted-syntax": ["error", ...RESTRICTED],
      "require-unicode-regexp": "error",
    },
  },
  {
    files: ["**/*.{ts,tsx}"],
    plugins: { sigil: { rules: { "cited-invariants": citedInvariants } } },
    rules: { "sigil/cited-invariants": "error" },
  },
  {
    files: ["src/**/*.ts"],
    // Who carries it as data.
    ignores: [
      "src/{cli,client,local,page}/**",
      "src/image-version/latest/*",
      "src/image-version/properties/table.ts",
      "src/image-version/queries/find.ts",
      "src/image-version/queries/summary-of.ts",
    ],
    rules: { "no-restricted-syntax": ["error", ...RESTRICTED, UNUSED_MEMBER, ...FLAGS] },
  },
  {
    files: ["src/operation/*.ts"],
    rules: { "no-restricted-syntax": ["error", ...RESTRICTED, UNUSED_MEMBER, ...FLAGS, ...KINDS] },
  },
  // A union of kinds and a switch, which counts once, or small functions with a name, in place of many branches.
  {
    files: ["{src,functions}/**/*.{ts,tsx}"],
    rules: { complexity: ["error", { max: 20, variant: "modified" }] },
  },
  {
    files: ["src/{image-version/**,keys,rollout,drift}/*.ts"],
    rules: { "max-lines": ["error", 360] },
  },
  {
    files: [
      "src/image-version/{latest,state,telling,commands,steps,rollback}/*.ts",
      "src/{rollout,drift}/*.ts",
    ],
    rules: { complexity: ["error", 15] },
  },
  // What is decided of a version says what has happened; telling/ makes of that what is told.
  {
    files: ["src/image-version/state/*.ts"],
    rules: {
      "no-restricted-imports": [
        "error",
        {
          patterns: [
            {
              regex: "/(events/|operation/(advance|members|failing)\\.js|telling/)",
              message: "A decision says what has happened: src/image-version/telling tells it.",
            },
          ],
        },
      ],
    },
  },
  // The page's: Preact's hooks have the rules of React's.
  {
    files: ["src/page/**/*.{ts,tsx}"],
    plugins: { "react-hooks": reactHooks },
    rules: { "react-hooks/rules-of-hooks": "error", "react-hooks/exhaustive-deps": "error" },
  },
  { files: NOT_SPLIT, rules: { complexity: "off" } },
  { files: ["**/*.mjs"], ...tseslint.configs.disableTypeChecked },
);
