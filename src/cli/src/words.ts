/**
 * Replaces requests to the API, in the service's remediations, with the commands that do the same.
 */

const COMMANDS: readonly (readonly [request: RegExp, command: string])[] = [
  [
    /GET \/api\/subscriptions\/[^/\s]+\/disk-encryption-sets\?region=([\w-]+)/gu,
    "sigil encryption-set list --location $1",
  ],
  [
    /POST \/api\/subscriptions\/([\w-]+|\{id\})\/prepare/gu,
    "sigil subscription prepare --subscription $1",
  ],
  [/POST \/api\/operations\/([\w-]+)\/cancel/gu, "sigil operation cancel $1"],
  [/GET \/api\/operations\/([\w-]+)/gu, "sigil operation show $1"],
  [/GET …\/use\b/gu, "sigil image-version use"],
  [/POST …\/restore\b/gu, "sigil image-version undelete"],
  [/DELETE …\/deleted-versions\/(\d+(?:\.\d+)*)/gu, "sigil image-version purge -e $1"],
  [
    /POST …\/(promote|demote|retry|test|plan|approve|revoke|unrevoke)\b/gu,
    "sigil image-version $1",
  ],
  [/send \?removeRegions=([\w,]+)/gu, "say --remove-regions $1"],
  [
    /send a PATCH with excludeFromLatest (true|false)/gu,
    "say sigil image-version update --exclude-from-latest $1",
  ],
  [/\?allowNoLatest=true/gu, "--allow-no-latest"],
  [/\?ignoreUse=true/gu, "--ignore-use"],
  [/\?bypassSoftDelete=true/gu, "--bypass-soft-delete"],
  [/\ballowNoLatest=true/gu, "--allow-no-latest"],
  [/\bignoreUse=true/gu, "--ignore-use"],
  [/its PUT and the header If-None-Match: \*/gu, "sigil image-version create --recreate"],
  [/another version name/gu, "another --gallery-image-version"],
  [/; (?:each is|the reasons are|each reason is) listed under errors\./gu, "."],
  [/what is listed under errors/gu, "the following"],
];

export function inCommands(text: string): string {
  return COMMANDS.reduce((said, [request, command]) => said.replace(request, command), text);
}
