import { readFileSync } from "node:fs";

const packageIn = (folder) =>
  JSON.parse(readFileSync(new URL(`${folder}/package.json`, import.meta.url)));
const product = packageIn(".");
const workspaces = product.workspaces.map((folder) => ({
  folder,
  ...packageIn(`./${folder}`),
}));

/** Where the packages are that a package.json names: a workspace's folder, or one of node_modules. */
const placesOf = (dependencies = {}) =>
  Object.keys(dependencies).map(
    (name) => workspaces.find((each) => each.name === name)?.folder ?? `node_modules/${name}`,
  );
const anyOf = (places) => `^(${places.join("|")})/`;

/**
 * A workspace's sources use what its `dependencies` name; its tests what its `devDependencies` name, too. Of the command line
 * one file is packed, with all that it needs in it: it depends on nothing.
 */
const BUNDLED = ["@sigil/cli"];
const workspaceRules = workspaces.flatMap(({ folder, name, dependencies, devDependencies }) => {
  const rule = (part, places) => ({
    name: `${name.replace(/^.*\//u, "")}-${part}-say-what-they-use`,
    comment: `What ${folder}/${part} imports stands in ${folder}/package.json: with it the package is whole, anywhere.`,
    severity: "error",
    from: { path: `^${folder}/${part}/` },
    to: {
      pathNot: anyOf([folder, ...places]),
      dependencyTypesNot: ["core"],
    },
  });
  const needed = placesOf({
    ...dependencies,
    ...(BUNDLED.includes(name) && devDependencies),
  });
  return [rule("src", needed), rule("test", [...needed, ...placesOf(devDependencies)])];
});

/** Folders of tests that have a package.json of their own (test/install.mjs). */
const OWN_PACKAGES = "^test/(azurite|clients|e2e/page|mutation)/";

/** Imports point one way: functions -> app -> http, messaging -> authorization -> image-version, subscription -> operation -> events. */
export default {
  forbidden: [
    {
      name: "no-circular",
      comment: "A cycle has no bottom: neither module can be read, tested or replaced alone.",
      severity: "error",
      from: {},
      to: { circular: true },
    },
    {
      name: "rooms-in-no-circle",
      comment:
        "A folder is a room: which of two stands on the other has one answer, or neither can be read alone. Files beside the rooms are held by the rules below.",
      severity: "error",
      scope: "folder",
      from: { path: "^(functions|packages/[^/]+/src|src)(/|$)" },
      to: { circular: true },
    },
    {
      name: "no-unresolvable",
      comment:
        "An import that does not resolve here does not resolve in a deployment either. Tests with a package.json of their own are checked where that is installed.",
      severity: "error",
      from: { path: "^(functions|src|test)/", pathNot: OWN_PACKAGES },
      to: { couldNotResolve: true },
    },
    {
      name: "functions-only-register",
      comment:
        "A function file registers handlers that the composition root has built; it knows nothing else.",
      severity: "error",
      from: { path: "^functions/" },
      to: { path: "^src/", pathNot: "^src/main\\.ts$" },
    },
    {
      name: "only-app-imports-azure",
      comment: "Use cases see ports. The composition root alone chooses the adapters behind them.",
      severity: "error",
      from: { path: "^src/", pathNot: "^src/(app\\.ts|azure/)" },
      to: { path: "^src/azure/" },
    },
    {
      name: "domain-is-pure",
      comment: "The domain knows no transport: it may use events and errors, nothing above it.",
      severity: "error",
      from: {
        path: "^src/(retention|rollout|drift|batch|capture|leftovers|machine-test|machine-command|test-results|image-use|key-guardian|image-version|subscription|operation|events)/",
      },
      to: {
        path: "^src/(http|messaging|authorization|azure|telemetry)/|^src/(app\\.ts$|config/)",
      },
    },
    {
      name: "operations-know-no-kind",
      comment:
        "Every kind of operation is tracked, told and looked after by the same code, which knows none of them: a kind says in its own folder what there is to know, and src/kinds.ts gathers them for the composition root.",
      severity: "error",
      from: { path: "^src/operation/" },
      to: {
        path: "^src/",
        pathNot:
          "^src/(operation/|(errors|objects|events/(cloud-event|documented-event|operation-event))\\.ts$)",
      },
    },
    {
      name: "an-image-version-has-one-face",
      comment:
        "What the rest of Sigil may use of an image version stands in its index.ts: behind it rooms are free to change.",
      severity: "error",
      from: {
        path: "^(functions|packages|src)/",
        pathNot: "^src/(image-version|azure)/",
      },
      to: {
        path: "^src/image-version/",
        pathNot: "^src/image-version/index\\.ts$",
      },
    },
    {
      name: "adapters-use-ports",
      comment: "Adapters use the face of an image version, and the ports that they stand behind.",
      severity: "error",
      from: { path: "^src/azure/" },
      to: {
        path: "^src/image-version/",
        pathNot: "^src/image-version/(index|ports)\\.ts$",
      },
    },
    {
      name: "keys-know-no-version",
      comment: "Keys are judged alike for whoever uses them.",
      severity: "error",
      from: { path: "^src/keys/" },
      to: { path: "^src/image-version/" },
    },
    {
      name: "beside-the-rooms",
      comment:
        "What stands beside the rooms of an image version: words that every room may use stand on none of them, and the rooms under the ports do not know these.",
      severity: "error",
      from: {
        path: "^src/image-version/((contract|resources|rollback-record)\\.ts$|(latest|properties|rules|state)/)",
      },
      to: {
        path: "^src/image-version/",
        pathNot:
          "^src/image-version/((contract|resources|rollback-record)\\.ts$|(latest|properties|rules|state)/)",
      },
    },
    {
      name: "keys-are-read-in-one-place",
      comment:
        "Requests and the key guardian read and judge keys by the same code: it is the domain's, and knows nothing of the guardian.",
      severity: "error",
      from: { path: "^src/(image-version|keys)/" },
      to: { path: "^src/key-guardian/" },
    },
    {
      name: "only-app-imports-kinds",
      comment: "Whoever needs a kind gets it with its dependencies.",
      severity: "error",
      from: { path: "^src/", pathNot: "^src/app\\.ts$" },
      to: { path: "^src/kinds\\.ts$" },
    },
    {
      name: "events-know-no-domain",
      comment: "Events are facts in the document's words, whoever tells them.",
      severity: "error",
      from: { path: "^src/events/" },
      to: { path: "^src/", pathNot: "^src/(events/|errors\\.ts$)" },
    },
    {
      name: "doors-do-not-open-each-other",
      comment:
        "HTTP and Service Bus are two doors of one domain; what both need belongs to the domain.",
      severity: "error",
      from: { path: "^src/(http|messaging|authorization)/" },
      to: { path: "^src/azure/|^src/(app\\.ts$|config/)" },
    },
    {
      name: "authorization-is-of-no-channel",
      comment:
        "Who may do what is one thing, whichever channel asks: it knows the domain's words for a place.",
      severity: "error",
      from: { path: "^src/authorization/" },
      to: {
        path: "^src/",
        pathNot:
          "^src/authorization/|^src/(errors|bounded-map|resource-id|image-version/index)\\.ts$",
      },
    },
    {
      name: "contract-knows-no-transport",
      comment:
        "What the documents say of a request is said without one: the contract is read by whoever validates.",
      severity: "error",
      from: { path: "^src/http/contract/" },
      to: {
        path: "^src/",
        pathNot: "^src/(http/contract|generated)/|^src/(errors|authorization/roles)\\.ts$",
      },
    },
    {
      name: "rooms-of-azure-are-apart",
      comment: "An adapter is of one service. What needs two is put together in adapters.ts.",
      severity: "error",
      from: { path: "^src/azure/([^/]+)/" },
      to: { path: "^src/azure/", pathNot: "^src/azure/$1/" },
    },
    {
      name: "telemetry-under-the-edges",
      comment:
        "The edges tell telemetry what happens at them; it knows none of them, and of the domain what every operation has.",
      severity: "error",
      from: { path: "^src/telemetry/" },
      to: {
        path: "^src/",
        pathNot: "^src/(telemetry|operation|events)/|^src/errors\\.ts$",
      },
    },
    {
      name: "errors-and-conditions-are-leaves",
      comment:
        "Everything may throw a ServiceError, and say a condition, so these may depend on nothing.",
      severity: "error",
      from: { path: "^src/(errors\\.ts$|conditions/)" },
      to: { path: "^src/", pathNot: "^src/conditions/" },
    },
    {
      name: "config-knows-what-it-parses",
      comment:
        "Settings are one table. It knows the shape of the values that others define, how what is wrong with a document is told, and none of those who use them.",
      severity: "error",
      from: { path: "^src/config/" },
      to: {
        path: "^src/",
        pathNot:
          "^src/(config/|authorization/|http/contract/|json/|telemetry/settings\\.ts$|machine-test/prices\\.ts$)",
      },
    },
    {
      name: "json-knows-no-channel",
      comment: "HTTP and Service Bus read JSON alike: what reads it knows neither.",
      severity: "error",
      from: { path: "^src/json/" },
      to: { path: "^src/", pathNot: "^src/json/|^src/errors\\.ts$" },
    },
    {
      name: "packages-ship-to-nobody",
      comment: "packages/ stands in for Azure; the product must not know it exists.",
      severity: "error",
      from: { pathNot: "^(packages|test)/|^vitest[.]config[.]ts$" },
      to: { path: "^packages/|^test/" },
    },
    {
      name: "clients-are-outside",
      comment:
        "src/client, src/cli and src/page call the API as anybody does: the product knows none of them, and they know its document alone.",
      severity: "error",
      from: {
        path: "^(functions|src)/",
        pathNot: "^src/(cli|client|page)/",
      },
      to: { path: "^src/(cli|client|page)/" },
    },
    {
      name: "the-page-knows-the-client-alone",
      comment:
        "The page calls the API as anybody does, by the client; what else it uses is in the browser or its own.",
      severity: "error",
      from: { path: "^src/page/src/" },
      to: {
        pathNot: "^src/(page/src|client)/|^node_modules/(preact|oauth4webapi)/",
      },
    },
    {
      name: "stand-ins-are-packages",
      comment:
        "A stand-in is used by its package's name, and so by what its `exports` show; a relative path would go around them.",
      severity: "error",
      from: { path: "^(packages/[^/]+|test|functions|src)/" },
      to: {
        path: "^packages/",
        pathNot: "^($1/(src|test)|packages/node)/", // that is no stand-in
        dependencyTypes: ["local"],
        dependencyTypesNot: ["aliased-workspace"],
      },
    },
    ...workspaceRules,
    {
      name: "functions-sdk-at-the-edge",
      comment:
        "Only triggers register with the Functions runtime; http, messaging, telemetry, app and timers may name its types.",
      severity: "error",
      from: {
        path: "^(functions|src)/",
        pathNot: "^(functions/|src/(http|messaging|telemetry)/|src/(app|timers)\\.ts$)",
      },
      to: { path: "node_modules/@azure/functions/" },
    },
    {
      name: "azure-sdks-in-adapters",
      comment: "An Azure SDK outside src/azure would tie a use case to one transport.",
      severity: "error",
      from: { path: "^(functions|src)/", pathNot: "^src/(azure|cli)/" },
      to: {
        path: "node_modules/@azure/(?!functions/|monitor-)",
      },
    },
    {
      name: "exporters-in-telemetry",
      comment:
        "What is exported, and where to, is decided in one place; all else uses OpenTelemetry's API, which does nothing by itself.",
      severity: "error",
      from: { path: "^(functions|src)/", pathNot: "^src/telemetry/" },
      to: {
        path: "node_modules/@opentelemetry/(?!api/)|node_modules/@azure/monitor-",
      },
    },
    {
      name: "domain-makes-no-spans",
      comment:
        "The domain tells facts by its ports; spans and metrics are made of them at the edges.",
      severity: "error",
      from: {
        path: "^src/(retention|leftovers|machine-test|machine-command|test-results|image-use|key-guardian|image-version|subscription|operation|events)/",
      },
      to: { path: "node_modules/@opentelemetry/" },
    },
    {
      name: "the-product-says-what-it-uses",
      comment:
        "A deployment installs the `dependencies` of package.json: neither what develops Sigil nor what a stand-in needs.",
      severity: "error",
      from: {
        path: "^(functions|src)/",
        pathNot: "^src/((cli|client)/|page/bundle\\.mjs$)",
      },
      to: {
        path: "^node_modules/",
        pathNot: anyOf(placesOf(product.dependencies)),
        dependencyTypesNot: ["type-only"],
      },
    },
  ],
  options: {
    doNotFollow: { path: "node_modules" },
    exclude: {
      path: "^(dist|src/((client|page)/src/)?generated|(packages|src)/[^/]+/dist|test/clients/programs)/|^test/.*/node_modules/",
    },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: "tsconfig.json" },
    enhancedResolveOptions: {
      exportsFields: ["exports"],
      conditionNames: ["sigil-source", "import", "require", "node", "default", "types"],
      extensions: [".ts", ".tsx", ".js", ".mjs", ".json"],
    },
  },
};
