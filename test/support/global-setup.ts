/** Runs once before any test file: prepares what every worker process inherits through its environment. */
export default function setup(): void {
  process.env["NODE_ENV"] = "test";
}
