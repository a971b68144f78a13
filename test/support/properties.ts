import fc from "fast-check";

// The properties of `npm test` try the same values for everybody, so that nobody's change fails for what it did not touch.
// A failure prints its seed; SIGIL_PROPERTY_SEED takes another one, `random` a new one each time.
const SEED = process.env["SIGIL_PROPERTY_SEED"] ?? "1";
if (SEED !== "random") fc.configureGlobal({ seed: Number(SEED) });
