import { SelectField, TextField, type SectionProps } from "./fields.js";
import { setting, type Form } from "./model/form.js";
import { SECRETS_COMPONENTS } from "./model/properties.js";
import { at, compact, listIn, objectIn, textIn } from "./model/json.js";

const SETTINGS = "/properties/securityProfile/secretsProvisioningSettings";
const SECRETS = [
  ["", "Not said"],
  ["true", "Supported"],
  ["false", "Not supported"],
] as const;

/** Whether secrets can be provisioned to machines of the version, and by which versions of what. */
export function Secrets({ form: { body }, change }: SectionProps<Form>) {
  const secrets = objectIn({ secrets: at(body, SETTINGS) }, "secrets");
  const { isSupported } = secrets;
  const components = listIn(secrets, "components");
  const set = (changed: Parameters<typeof compact>[0]): void =>
    change(setting(SETTINGS, compact({ ...secrets, ...changed })));
  const setVersion = (name: string, version: string): void => {
    const others = components.filter((each) => textIn(each, "name") !== name);
    const all = version === "" ? others : [...others, { name, version }];
    set({ components: all.length === 0 ? undefined : all });
  };
  return (
    <>
      <SelectField
        field="source-secrets"
        label="Secrets provisioning"
        value={isSupported === true ? "true" : isSupported === false ? "false" : ""}
        options={SECRETS}
        hint="Whether secrets can be provisioned to its machines."
        onChange={(said) =>
          said === "" ? change(setting(SETTINGS, undefined)) : set({ isSupported: said === "true" })
        }
      />
      {Object.keys(secrets).length > 0 && (
        <fieldset>
          <legend>What provisions secrets</legend>
          <div class="fields">
            <TextField
              field="source-secrets-system"
              label="Operating system"
              value={textIn(secrets, "osName")}
              placeholder="mariner"
              onChange={(osName) => set({ osName: osName || undefined })}
            />
            {SECRETS_COMPONENTS.map((name) => (
              <TextField
                key={name}
                field={`source-secrets-${name}`}
                label={`Version of ${name}`}
                value={textIn(
                  components.find((each) => textIn(each, "name") === name),
                  "version",
                )}
                onChange={(version) => setVersion(name, version)}
              />
            ))}
          </div>
        </fieldset>
      )}
    </>
  );
}
