/** Where telemetry goes. By default nowhere: it is made, and exported by none. */
export interface TelemetrySettings {
  /** `service.name`: the role in Application Insights. */
  readonly serviceName: string;
  readonly applicationInsights:
    | {
        readonly connectionString: string;
        /** True: sent with the managed identity; else the connection string alone is enough. */
        readonly useIdentity: boolean;
      }
    | undefined;
  readonly traces: "console" | "none";
  readonly metrics: "console" | "none";
  readonly metricIntervalMs: number;
}
