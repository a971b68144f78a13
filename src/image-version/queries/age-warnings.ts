/** Warnings of an answer that rests on an older look than the caller asked for. */
import type { Finding, ServiceError } from "../../errors.js";

export function behind(time: string): Finding {
  return {
    code: "ShownBeforeLastWrite",
    pointer: "",
    message: `Azure shows the version as it was before Sigil's last write: Azure may be behind, or others undid the write. This is what it showed at ${time}. Refresh ten minutes after the write.`,
    severity: "warning",
  };
}

export function notRefreshed(time: string): Finding {
  return {
    code: "ResourceManagerThrottled",
    pointer: "",
    message: `Azure's limit for reads is nearly used up. This is what Azure showed at ${time}.`,
    remediation: "Refresh again in a few minutes.",
    severity: "warning",
  };
}

export function keysNotRefreshed(time: string): Finding {
  return {
    code: "KeyNotSeen",
    pointer: "/sigil/keys",
    message: `Azure could not be read now: a disk encryption set or its key is shown as it was seen at ${time}.`,
    remediation: "Refresh again in a few minutes.",
    severity: "warning",
  };
}

export function unread(error: ServiceError, time: string): Finding {
  return {
    code: error.code,
    pointer: "",
    message: `Sigil cannot read Azure now. This is what it showed at ${time}. ${error.message}`,
    severity: "warning",
  };
}
