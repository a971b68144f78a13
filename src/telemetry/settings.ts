/** Where telemetry goes. By default it is not exported. */
export interface TelemetrySettings {
  /** `service.name`: the role in Application Insights. */
  readonly serviceName: string;
  readonly applicationInsights:
    | {
        readonly connectionString: string;
        /**
         * True: authenticates with the managed identity; false: the connection string is enough.
         */
        readonly useIdentity: boolean;
      }
    | undefined;
  readonly traces: "console" | "none";
  readonly metrics: "console" | "none";
  readonly metricIntervalMs: number;
}
