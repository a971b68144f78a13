param name string
param location string
param workspaceId string
param insightsId string
param serviceBusId string

@description('Queues whose messages are work.')
param workQueues string[]

param readinessUrl string

@description('Whether that can be asked from outside.')
param asksReadiness bool

param emails string[]
param actionGroupIds string[]
param oldestOperationHours int

// Azure writes to a table of its own accord what it is sent under these names, once something is sent.
var logAlerts = [
  {
    alert: 'oldest-operation'
    severity: 2
    summary: 'An operation has not ended for more than ${oldestOperationHours} hours.'
    query: 'AppMetrics | where Name == "sigil.operation.oldest.age" | where Sum > ${oldestOperationHours * 3600}'
    every: 'PT15M'
  }
  {
    alert: 'silent'
    severity: 1
    summary: 'Sigil has told nothing of itself for half an hour: its timers do not run, or its telemetry does not arrive.'
    query: 'AppMetrics | where Name == "sigil.operation.oldest.age" | summarize Last = max(TimeGenerated) | where isnull(Last)'
    every: 'PT30M'
  }
  {
    alert: 'operations-failed'
    severity: 2
    summary: 'An operation has ended Failed.'
    query: 'AppMetrics | where Name == "sigil.operation.failed" | where Sum > 0'
    every: 'PT15M'
  }
  {
    alert: 'refusals'
    severity: 2
    summary: 'More than twenty writes were refused within a quarter of an hour because of who asked.'
    query: 'AppMetrics | where Name == "sigil.request.rejected" | where tostring(Properties["error.type"]) in ("Forbidden", "Unauthenticated") | summarize Refused = sum(Sum) | where Refused > 20'
    every: 'PT15M'
  }
  {
    alert: 'log-volume'
    severity: 2
    summary: 'The workspace has taken more than 1 GB in an hour.'
    // In megabytes
    query: 'Usage | where IsBillable | summarize MB = sum(Quantity) | where MB > 1000'
    every: 'PT1H'
  }
  {
    alert: 'protection-off'
    severity: 2
    summary: 'An Admin took the protection of a version off, or allowed a version that was taken back.'
    query: 'AppTraces | where Message == "audit" | where tostring(Properties["outcome"]) == "done" | where tostring(Properties["protection"]) == "off"'
    every: 'PT15M'
  }
  {
    alert: 'stalled'
    severity: 2
    summary: 'A region or an operation makes no progress.'
    query: 'AppTraces | where Message in ("Sigil.ImageVersion.RegionStalled", "Sigil.ImageVersion.OperationStalled", "Sigil.Image.RollbackStalled")'
    every: 'PT15M'
  }
  {
    alert: 'key-at-risk'
    severity: 1
    summary: 'A request or an operation was stopped, or accepted with a warning, because of a disk encryption set, or the key of a published version is bad or soon will be.'
    query: 'AppTraces | where Message == "Sigil.ImageVersion.KeyAtRisk" or tostring(Properties["findings"]) has_any ("DiskEncryptionSetWithoutKey", "DiskEncryptionSetNotReady", "DiskEncryptionSetKeyRotationFailing", "DiskEncryptionSetNotFound")'
    every: 'PT15M'
  }
  {
    alert: 'test-machine-left'
    severity: 2
    summary: 'Something of a test machine, or a snapshot, is there long after its time, and costs money.'
    query: 'AppTraces | where Message in ("Sigil.ImageVersion.TestMachineLeft", "Sigil.ImageVersion.SnapshotLeft")'
    every: 'PT1H'
  }
  {
    alert: 'events-not-sent'
    severity: 1
    summary: 'Events could not be published and wait to be sent again.'
    query: 'AppMetrics | where Name == "sigil.event.unpublished" | where Sum > 0'
    every: 'PT15M'
  }
]

var metricAlerts = [
  {
    alert: 'dead-letters'
    severity: 1
    summary: 'Messages are in a dead-letter queue.'
    metric: 'DeadletteredMessages'
    aggregation: 'Maximum'
    entities: workQueues
  }
  {
    alert: 'requests-rejected'
    severity: 3
    summary: 'A request by Service Bus was rejected.'
    metric: 'IncomingMessages'
    aggregation: 'Total'
    entities: ['image-version-requests-rejected']
  }
]

var actions = concat(empty(emails) ? [] : [mails.id], actionGroupIds)

resource mails 'Microsoft.Insights/actionGroups@2023-01-01' = if (!empty(emails)) {
  name: name
  location: 'global'
  properties: {
    groupShortName: 'sigil'
    enabled: true
    emailReceivers: [
      for email in emails: {
        name: email
        emailAddress: email
        useCommonAlertSchema: true
      }
    ]
  }
}

resource logs 'Microsoft.Insights/scheduledQueryRules@2026-03-01' = [
  for rule in logAlerts: {
    name: '${name}-${rule.alert}'
    location: location
    properties: {
      displayName: 'Sigil: ${rule.alert}'
      description: '${rule.summary} Runbook: docs/reference/operations.md#alert-${rule.alert}'
      severity: rule.severity
      enabled: true
      scopes: [
        workspaceId
      ]
      evaluationFrequency: rule.every
      windowSize: rule.every
      criteria: {
        allOf: [
          {
            query: rule.query
            timeAggregation: 'Count'
            operator: 'GreaterThan'
            threshold: 0
            failingPeriods: {
              numberOfEvaluationPeriods: 1
              minFailingPeriodsToAlert: 1
            }
          }
        ]
      }
      autoMitigate: true
      // A new workspace has no row, and may have no table yet.
      skipQueryValidation: true
      actions: {
        actionGroups: actions
      }
    }
  }
]

resource metrics 'Microsoft.Insights/metricAlerts@2026-01-01' = [
  for rule in metricAlerts: {
    name: '${name}-${rule.alert}'
    location: 'global'
    properties: {
      description: '${rule.summary} Runbook: docs/reference/operations.md#alert-${rule.alert}'
      severity: rule.severity
      enabled: true
      scopes: [
        serviceBusId
      ]
      evaluationFrequency: 'PT5M'
      windowSize: 'PT15M'
      criteria: {
        'odata.type': 'Microsoft.Azure.Monitor.SingleResourceMultipleMetricCriteria'
        allOf: [
          {
            criterionType: 'StaticThresholdCriterion'
            name: rule.alert
            metricNamespace: 'Microsoft.ServiceBus/namespaces'
            metricName: rule.metric
            timeAggregation: rule.aggregation
            operator: 'GreaterThan'
            threshold: 0
            dimensions: [
              {
                name: 'EntityName'
                operator: 'Include'
                values: rule.entities
              }
            ]
          }
        ]
      }
      autoMitigate: true
      actions: [
        for action in actions: {
          actionGroupId: action
        }
      ]
    }
  }
]

resource lockDeleted 'Microsoft.Insights/activityLogAlerts@2020-10-01' = {
  name: '${name}-lock-deleted'
  location: 'global'
  properties: {
    description: 'A lock on Sigil\'s resources was taken off. Runbook: docs/reference/operations.md#alert-lock-deleted'
    enabled: true
    scopes: [
      resourceGroup().id
    ]
    condition: {
      allOf: [
        {
          field: 'category'
          equals: 'Administrative'
        }
        {
          field: 'operationName'
          equals: 'Microsoft.Authorization/locks/delete'
        }
      ]
    }
    actions: {
      actionGroups: [
        for action in actions: {
          actionGroupId: action
        }
      ]
    }
  }
}

// Asked from outside, as a caller asks: what is down as a whole sends no metric.
resource readinessTest 'Microsoft.Insights/webtests@2022-06-15' = if (asksReadiness) {
  name: '${name}-readiness'
  location: location
  kind: 'standard'
  tags: {
    'hidden-link:${insightsId}': 'Resource'
  }
  properties: {
    SyntheticMonitorId: '${name}-readiness'
    Name: '${name}-readiness'
    Enabled: true
    Frequency: 300
    Timeout: 60
    Kind: 'standard'
    RetryEnabled: true
    Locations: [
      {
        Id: 'emea-nl-ams-azr'
      }
      {
        Id: 'us-va-ash-azr'
      }
      {
        Id: 'apac-sg-sin-azr'
      }
    ]
    Request: {
      RequestUrl: readinessUrl
      HttpVerb: 'GET'
      ParseDependentRequests: false
    }
    ValidationRules: {
      ExpectedHttpStatusCode: 200
      SSLCheck: true
      SSLCertRemainingLifetimeCheck: 7
    }
  }
}

resource readiness 'Microsoft.Insights/metricAlerts@2026-01-01' = if (asksReadiness) {
  name: '${name}-not-ready'
  location: 'global'
  properties: {
    description: 'Sigil does not answer, or says that it is not ready. Runbook: docs/reference/operations.md#alert-not-ready'
    severity: 1
    enabled: true
    scopes: [
      readinessTest.id
      insightsId
    ]
    evaluationFrequency: 'PT5M'
    windowSize: 'PT15M'
    criteria: {
      'odata.type': 'Microsoft.Azure.Monitor.WebtestLocationAvailabilityCriteria'
      webTestId: readinessTest.id
      componentId: insightsId
      failedLocationCount: 2
    }
    autoMitigate: true
    actions: [
      for action in actions: {
        actionGroupId: action
      }
    ]
  }
}
