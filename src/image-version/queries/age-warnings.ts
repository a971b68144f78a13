/** Warnings of an answer that rests on an older look than was asked for. */
import type { Finding, ServiceError } from "../../errors.js";

export function behind(time: string): Finding {
  return {
    code: "ShownBeforeLastWrite",
    pointer: "",
    message: `Azure shows the version now as it was before Sigil's last write: it may be behind, or others have taken that back. This is what it showed at ${time}. Ten minutes after the write no reading is as old as that: read it again then.`,
    severity: "warning",
  };
}

export function notRefreshed(time: string): Finding {
  return {
    code: "ResourceManagerThrottled",
    pointer: "",
    message: `Azure's limit for reads is nearly used up: this is what Azure showed at ${time}.`,
    remediation: "Refresh again in a few minutes.",
    severity: "warning",
  };
}

export function unread(error: ServiceError, time: string): Finding {
  return {
    code: error.code,
    pointer: "",
    message: `Azure cannot be read now; this is what it showed at ${time}. ${error.message}`,
    severity: "warning",
  };
}
