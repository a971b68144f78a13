/** What the package exports. */
export {
  createClient,
  entries,
  imageVersionPath,
  type Answer,
  type Client,
  type ClientOptions,
  type ImageVersionPath,
  type Input,
  type OperationName,
  type Schemas,
} from "./api.js";
export * from "./problems.js";
export { hasEnded, waitUntilReady, type WaitOptions } from "./waiting.js";
