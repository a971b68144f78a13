import { readFileSync } from "node:fs";
import path from "node:path";
import {
  ConfigurationError,
  parseEmulatorConfiguration,
  type EmulatorConfiguration,
} from "@sigil-local/service-bus-emulator/configuration";
import { UsageError } from "@sigil-local/command-line";
import { APPLICATION_ROOT } from "./application-root.js";

/** The topic of Sigil's events. */
export const EVENTS_TOPIC = "image-version-events";
/** As Azure has it: letters, digits, `.`, `-` and `_`, at most 50, a letter or digit at both ends. */
const SUBSCRIPTION_NAME = /^[a-z\d](?:[\w.-]{0,48}[a-z\d])?$/iu;

/** What is used here of infra/service-bus-emulator.json. */
interface EntitiesFile {
  readonly UserConfig: {
    readonly Namespaces: readonly {
      readonly Topics: readonly {
        readonly Name: string;
        readonly Subscriptions: {
          readonly Name: string;
          readonly Properties: object;
          readonly Rules?: readonly object[];
        }[];
      }[];
    }[];
  };
}

/**
 * The entities of infra/, and further subscriptions of the events' topic, each `name=SQL filter`; they have the properties
 * of the first one there. Throws UsageError for one that Service Bus would refuse.
 */
export function readEntities(subscriptions: readonly string[] = []): EmulatorConfiguration {
  const file = path.join(APPLICATION_ROOT, "infra/service-bus-emulator.json");
  const json = JSON.parse(readFileSync(file, "utf8")) as EntitiesFile;
  const existing = json.UserConfig.Namespaces.flatMap(({ Topics }) => Topics).find(
    ({ Name }) => Name === EVENTS_TOPIC,
  )?.Subscriptions;
  if (existing?.[0] === undefined)
    throw new TypeError(`${file} has no subscription of ${EVENTS_TOPIC}`);
  const { Properties } = existing[0];
  let configuration = parseEmulatorConfiguration(json);
  for (const subscription of subscriptions) {
    const [, Name = "", SqlExpression = ""] = /^([^=]*)=(.*)$/su.exec(subscription) ?? [];
    if (!SUBSCRIPTION_NAME.test(Name) || SqlExpression.trim() === "")
      throw new UsageError(
        `--subscription must be a name and an SQL filter, such as usable="type LIKE '%.RegionCompleted'", not "${subscription}".`,
      );
    const filter = { FilterType: "Sql", SqlFilter: { SqlExpression } };
    existing.push({
      Name,
      Properties,
      Rules: [{ Name: "filter", Properties: filter }],
    });
    try {
      configuration = parseEmulatorConfiguration(json);
    } catch (error) {
      if (!(error instanceof ConfigurationError)) throw error;
      throw new UsageError(`--subscription ${Name}: ${error.problem}`, {
        cause: error,
      });
    }
  }
  return configuration;
}
